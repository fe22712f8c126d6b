"""Rows that a quotation mark swallows: opened in one cell and closed rows later, or never."""

from __future__ import annotations

import csv
from collections.abc import Iterable

_FEWEST_COLUMNS = 3


def swallowed_rows(rows: Iterable[list[str]], width: int, delimiter: str) -> tuple[int, int] | None:
    """Which of the rows has a cell that holds whole rows, and how many; None if none has.

    Notes may have many lines; lines that all have the columns of the table are no note.
    """
    if width < _FEWEST_COLUMNS:
        return None
    enough = 2 if width > _FEWEST_COLUMNS else 4
    for i, row in enumerate(rows):
        for cell in row:
            inner = cell.splitlines()[1:]
            if len(inner) < enough or delimiter not in cell:
                continue
            lines = csv.reader(inner, delimiter=delimiter, quoting=csv.QUOTE_NONE)
            whole = sum(len(line) >= width for line in lines)
            if whole >= enough and whole >= 0.6 * len(inner):
                return i, whole
    return None
