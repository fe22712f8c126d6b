"""Files to rows of text: what a file is, and its rows, by its content and never by its name."""

from bursar.importing.reading.cells import Numeric
from bursar.importing.reading.source import Source, open_source

__all__ = ["Numeric", "Source", "open_source"]
