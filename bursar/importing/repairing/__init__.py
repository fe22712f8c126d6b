"""Going on with an import that is done: rows mended, imports taken back."""
