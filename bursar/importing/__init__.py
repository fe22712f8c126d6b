"""Importing: a file is read, recognised, mapped and cleaned, then planned and applied."""
