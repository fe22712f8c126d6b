"""The rejected rows of an import as a file like the one that came, to be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from bursar import files
from bursar.importing.cleaning.rows import CellError, RejectedRow
from bursar.importing.reading import open_source
from bursar.importing.repairing.mending import Attempts, attempts_of, waiting_rows
from bursar.importing.repairing.rejected import export_rejected, inert
from bursar.importing.runs import get_run
from schema.tables import ImportRow, ImportRun

_TEXT = {".csv", ".tsv", ".txt"}


Change = Callable[[RejectedRow], RejectedRow | None]


def export_rejected_rows(
    session: Session,
    run: ImportRun,
    folder: Path,
    name: str,
    change: Change = lambda row: row,
    *,
    cell_as: Callable[[str], str] = inert,
) -> Path:
    """Write the rows that wait to be mended into `folder`; returns the file's path.

    A file that was imported before has the rejected rows of that import. `change` gives each row
    as it is written, None for one that is left out; `cell_as` is that of `export_rejected`.
    """
    if run.duplicate_of is not None:
        run = get_run(session, run.duplicate_of)
    attempts = attempts_of(session, run)
    first = attempts.first
    headers: list[str] = (first.analysis or {}).get("headers", [])
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    kind: Literal["csv", "xlsx"] = "csv" if suffix in _TEXT else "xlsx"
    made = folder / f"{stem}-rejected.{kind}"
    sheet = (first.analysis or {}).get("sheet")
    rows = (changed for row in _rejected(session, attempts) if (changed := change(row)))
    export_rejected(made, headers, sheet, rows, kind, cell_as=cell_as)
    return made


def _rejected(session: Session, attempts: Attempts) -> Iterator[RejectedRow]:
    """Rows refused by the plan, such as those of a frozen budget, left their cells in the file."""
    bare = {row.row_no for row in waiting_rows(session, attempts) if not _kept(row)}
    found = _cells(session, attempts.first, bare) if bare else {}
    done = 0
    for row in waiting_rows(session, attempts):
        if row.row_no == done:
            continue  # further periods of the same row
        done = row.row_no
        cells: list[str] = _kept(row) or found.get(row.row_no) or []
        errors = tuple(
            CellError(e["column"], e["value"], e["code"], e["detail"]) for e in row.errors or []
        )
        yield RejectedRow(row.row_no, None, tuple(cells), errors)


def _kept(row: ImportRow) -> list[str] | None:
    kept: list[str] | None = (row.details or {}).get("cells")
    return kept


def _cells(session: Session, first: ImportRun, numbers: set[int]) -> dict[int, list[str]]:
    stored = files.get_file(session, first.file_id)
    source = open_source(files.open_path(stored), stored.name)
    rows = source.rows((first.analysis or {}).get("sheet"))
    wanted = islice(rows, max(numbers))
    return {number: row for number, row in enumerate(wanted, 1) if number in numbers}
