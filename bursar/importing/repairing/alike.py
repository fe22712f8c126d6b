"""Rejected cells that are alike: the same text in the same column is mended once for all rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session

from bursar.importing.cleaning.rows import RejectedRow
from bursar.importing.repairing.mending import attempts_of, waiting_rows
from bursar.importing.repairing.sending_back import export_rejected_rows
from bursar.importing.runs import get_run
from schema.tables import ImportRun

LOOKED_AT = 20_000  # rows that wait, of which those that are alike are put together
_SHOWN = 5  # row numbers that are named


@dataclass(slots=True)
class Alike:
    """Cells of one column with one text, refused for one reason, in `rows` rows."""

    key: str
    column: str
    value: str
    detail: str
    rows: int = 0
    named: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wrong:
    """What can be mended cell by cell, most rows first; and how many rows are wrong otherwise."""

    cells: list[Alike]
    otherwise: int
    more: bool


def wrong_cells(session: Session, run: ImportRun, *, most: int = 100) -> Wrong:
    """The rejected cells that wait, alike ones together; looks at LOOKED_AT rows."""
    run = _loaded(session, run)
    headers = set(_headers(session, run))
    attempts = attempts_of(session, run)
    found: dict[str, Alike] = {}
    otherwise: set[int] = set()
    for row in islice(waiting_rows(session, attempts), LOOKED_AT):
        for error in row.errors or []:
            column, value = error["column"], error["value"]
            if column not in headers:
                otherwise.add(row.row_no)
                continue
            key = key_of(column, value)
            alike = found.setdefault(key, Alike(key, column, value, error["detail"]))
            if row.row_no not in alike.named[-1:]:  # further periods of the same row
                alike.rows += 1
                alike.named.append(row.row_no)
                del alike.named[_SHOWN:]
    cells = sorted(found.values(), key=lambda one: (-one.rows, one.named))
    return Wrong(cells[:most], len(otherwise), len(cells) > most)


def mended_copy(
    session: Session, run: ImportRun, folder: Path, name: str, given: Mapping[str, str]
) -> tuple[Path, int]:
    """Write the waiting rows of which a cell is among `given`, by key, with the new text in it.

    Returns the file, and how many rows it has: the others go on waiting.
    """
    run = _loaded(session, run)
    headers = _headers(session, run)
    count = 0

    def mended(row: RejectedRow) -> RejectedRow | None:
        nonlocal count
        cells = list(row.cells) + [""] * (len(headers) - len(row.cells))
        for error in row.errors:
            text = given.get(key_of(error.column or "", error.value))
            if text is not None and error.column in headers:
                cells[headers.index(error.column)] = text
        if tuple(cells[: len(row.cells)]) == row.cells and not any(cells[len(row.cells) :]):
            return None
        count += 1
        return row._replace(cells=tuple(cells))

    # Read again at once: an apostrophe before "@Home" would make another department of it.
    made = export_rejected_rows(session, run, folder, name, mended, cell_as=str)
    return made, count


def key_of(column: str, value: str) -> str:
    """The name of a cell's column and text in a form."""
    return hashlib.sha256(f"{column}\0{value}".encode()).hexdigest()[:24]


def _loaded(session: Session, run: ImportRun) -> ImportRun:
    """The import that a run stands for: of a file that was imported before, the first."""
    return run if run.duplicate_of is None else get_run(session, run.duplicate_of)


def _headers(session: Session, run: ImportRun) -> list[str]:
    first = attempts_of(session, run).first
    return list((first.analysis or {}).get("headers", []))
