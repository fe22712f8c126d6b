"""Numbered migrations of the tables, by Alembic. They say what has changed, in order."""
