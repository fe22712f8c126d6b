"""What people have chosen, for one import and for all files of a shape."""
