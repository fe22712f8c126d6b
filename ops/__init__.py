"""Operating an installation: the command line and the stack on one machine."""
