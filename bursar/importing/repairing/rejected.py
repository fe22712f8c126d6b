"""Rejected rows as a file of the same type with a reason column, to fix and send again.

Behind the file's own columns stand the number that the row had in the file, by which a mended row
is known when it comes back, and the reason.

Cells that a spreadsheet program would run as formulas are made inert by an apostrophe; numbers
stay as they are, so that `-500` can be sent again.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from bursar.importing.cleaning.rows import CellError, RejectedRow
from bursar.importing.values.numbers import looks_numeric

ROW, REASON = "Row", "Reason"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def inert(cell: str) -> str:
    """The cell as text that no spreadsheet program runs."""
    if cell.startswith(_DANGEROUS) and not looks_numeric(cell):
        return f"'{cell}"
    return cell


def export_rejected(
    path: Path,
    headers: Sequence[str],
    sheet: str | None,
    rows: Iterable[RejectedRow],
    kind: Literal["csv", "xlsx"],
    *,
    cell_as: Callable[[str], str] = inert,
) -> int:
    """Write header, rejected rows and a reason for each to `path`; how many rows there were.

    `cell_as` says how cells are written; a file that nobody opens may have them as they are.
    """
    written = [*(inert(header) for header in headers), *added_headers(headers)]
    lines = (_written(row, len(headers), cell_as) for row in rows)
    if kind == "csv":
        return _write_csv(path, written, lines)
    return _write_xlsx(path, written, lines, sheet or "Rejected")


def added_headers(headers: Sequence[str]) -> tuple[str, str]:
    """The headers of the two columns behind those of the file: row number and reason."""
    return _free(ROW, headers), _free(REASON, headers)


def _free(name: str, headers: Sequence[str]) -> str:
    while name in headers:
        name += "*"
    return name


def reason(errors: Sequence[CellError]) -> str:
    """All that is wrong with a row, in one cell."""
    return " ".join(
        f"{error.column}: {error.detail}" if error.column else error.detail for error in errors
    )


def _written(row: RejectedRow, width: int, cell_as: Callable[[str], str]) -> list[str]:
    cells = [cell_as(cell) for cell in row.cells[:width]]
    beyond = [cell for cell in row.cells[width:] if cell.strip()]
    padded = [*cells, *[""] * (width - len(cells)), str(row.row), inert(reason(row.errors))]
    return [*padded, *map(cell_as, beyond)]


def _write_csv(path: Path, headers: Sequence[str], lines: Iterable[list[str]]) -> int:
    count = 0
    # The mark at the start makes Excel read UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headers)
        for line in lines:
            writer.writerow(line)
            count += 1
    return count


def _write_xlsx(path: Path, headers: Sequence[str], lines: Iterable[list[str]], sheet: str) -> int:
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    count = 0
    with xlsxwriter.Workbook(str(path), options) as book:
        table = book.add_worksheet(_sheet_name(sheet))
        bold = book.add_format({"bold": True})
        for i, header in enumerate(headers):
            table.write_string(0, i, header, bold)
        for line in lines:
            count += 1
            for i, cell in enumerate(line):
                table.write_string(count, i, cell[:32_767])
    return count


def _sheet_name(name: str) -> str:
    """Excel refuses some characters, apostrophes at the ends, and more than 31 characters."""
    plain = "".join("_" if c in "[]:*?/\\" else c for c in name).strip("'")[:31]
    return plain or "Rejected"
