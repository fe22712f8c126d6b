"""Rows of a delimited text file, streamed by the standard csv module in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TextIO

from bursar.config import settings
from bursar.errors import FileLimitExceeded, UnreadableFile
from bursar.importing.reading.dialect import Dialect, detect_dialect
from bursar.importing.reading.encoding import detect_encoding
from bursar.importing.reading.swallowed import swallowed_rows

_SAMPLE = 1 << 16
_BATCH = 1024  # rows read between two looks at the limits


class TextSource:
    """A CSV, TSV or other delimited file. It has one table and no named sheets."""

    def __init__(self, path: Path, file_name: str) -> None:
        self.path = path
        self.file_name = file_name
        self.sheets: tuple[str, ...] = ()
        self.encoding = detect_encoding(path, file_name)
        self.dialect = self._dialect()

    def _dialect(self) -> Dialect:
        with self._open() as file:
            try:
                sample = file.read(_SAMPLE)
            except UnicodeError as problem:
                raise self._undecodable() from problem
        if len(sample) == _SAMPLE and "\n" in sample:
            sample = sample[: sample.rindex("\n") + 1]
        return detect_dialect(sample)

    def _open(self) -> TextIO:
        return self.path.open(encoding=self.encoding, newline="")

    def _undecodable(self) -> UnreadableFile:
        return UnreadableFile(
            f"{self.file_name} mixes text encodings. Save it again as UTF-8 and retry."
        )

    def symbols(self, sheet: str | None = None) -> Mapping[int, set[str]]:
        """Text shows nothing beside what it says."""
        del sheet
        return {}

    def notes(self, sheet: str | None = None) -> list[str]:
        """What a person should know of the file as such."""
        del sheet
        return []

    def rows(self, sheet: str | None = None) -> Iterator[list[str]]:
        """Every raw row in order, blank ones too (as empty lists).

        Raises UnreadableFile and FileLimitExceeded while reading.
        """
        del sheet  # a text file is one table
        limits = settings()
        number = 0
        csv.field_size_limit(1 << 20)
        quoting: dict[str, object] = {"delimiter": self.dialect.delimiter}
        if not self.dialect.double_quote:
            quoting |= {"doublequote": False, "escapechar": "\\"}
        with self._open() as file:
            try:
                reader = csv.reader(file, **quoting)  # type: ignore[arg-type]
                while batch := list(islice(reader, _BATCH)):
                    widest = max(map(len, batch))
                    self._check_quotes(batch, number, reader.line_num)
                    number += len(batch)
                    if widest > limits.column_limit:
                        raise FileLimitExceeded(
                            f"{self.file_name} has a row of {widest} columns; at most "
                            f"{limits.column_limit} are allowed."
                        )
                    if number > limits.row_limit:
                        raise FileLimitExceeded(
                            f"{self.file_name} has more than {limits.row_limit} rows. Split it and "
                            "import the parts."
                        )
                    yield from batch
            except csv.Error as problem:
                raise UnreadableFile(
                    f"{self.file_name} cannot be read after row {number}: {problem}. A quotation "
                    "mark is probably opened and never closed."
                ) from problem
            except UnicodeError as problem:
                raise self._undecodable() from problem

    def _check_quotes(self, batch: list[list[str]], before: int, lines: int) -> None:
        if lines == before + len(batch):
            return  # every row so far is one line
        found = swallowed_rows(batch, max(map(len, batch)), self.dialect.delimiter)
        if found:
            row, count = found
            raise UnreadableFile(
                f"A quotation mark opened in row {before + row + 1} of {self.file_name} swallows"
                f" the next {count} rows. Remove it, or close it in its own cell, and retry."
            )
