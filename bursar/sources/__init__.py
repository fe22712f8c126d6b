"""Places that files come from by themselves: what they are, when they are due, what was seen."""
