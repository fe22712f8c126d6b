"""The one way in: a path becomes a source of rows, whatever the file turns out to be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from bursar.importing.reading.kinds import file_kind


class Source(Protocol):
    """A readable file. `sheets` is empty where the format has no sheets."""

    path: Path
    file_name: str
    sheets: tuple[str, ...]

    def rows(self, sheet: str | None = None) -> Iterator[list[str]]:
        """Every raw row of the sheet in order, counted from 0; blank rows are rows too."""
        ...

    def symbols(self, sheet: str | None = None) -> Mapping[int, Collection[str]]:
        """What the file shows beside the numbers of a column without writing it into the cells."""
        ...

    def notes(self, sheet: str | None = None) -> list[str]:
        """What a person should know of the file or the sheet as such, in sentences."""
        ...


def open_source(path: Path, file_name: str) -> Source:
    """Recognise `path` by content. `file_name` is only for messages.

    Raises UnreadableFile, EmptyFile, FileLimitExceeded.
    """
    kind = file_kind(path, file_name)
    if kind == "text":
        from bursar.importing.reading.text import TextSource

        return TextSource(path, file_name)
    from bursar.importing.reading.workbook import WorkbookSource

    return WorkbookSource(path, file_name, zipped=kind == "zip")
