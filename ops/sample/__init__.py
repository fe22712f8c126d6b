"""Believable data for the demonstration."""
