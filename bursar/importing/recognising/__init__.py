"""From raw rows to what a file is and what each of its columns means."""
