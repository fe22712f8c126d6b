"""Tables as CSV and XLSX that no spreadsheet program runs anything of, a row at a time.

Text stays text: in a workbook it is written as text; in a CSV file an apostrophe goes before what a
program would read as a formula, also within a text where a program that splits at semicolons, tabs
or line ends would see a cell begin. Numbers stay numbers, negative ones too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

Cell = str | int | Decimal | None
# What formulas start with, as it is typed in East Asia too. Some programs leave out blanks at the
# start of a cell, so those are not what is looked at.
_STARTS = "=+@＝＋－＠-"
_BREAKS = (";", "\t", "\r", "\n")
_RUNS = re.compile(rf"\s*[{_STARTS}]|[\t\r\n]")
_RUNS_WITHIN = re.compile(rf"([;\t\r\n][\"\s]*)(?=[{_STARTS}])")
_BLOCK = 64 * 1024
_SHEET_ROWS = 1_048_575  # what a sheet holds below its header
_LONGEST_TEXT = 32_767
_EXACT_DIGITS = 15  # of a spreadsheet's numbers


def inert(text: str) -> str:
    """Text that no spreadsheet program takes for a formula, with apostrophes where needed."""
    if text[:1].isalnum() and not any(mark in text for mark in _BREAKS):
        return text  # as nearly all are; looked at closely, a million entries take twice as long
    harmless = _RUNS_WITHIN.sub(r"\1'", text)
    return f"'{harmless}" if _RUNS.match(text) else harmless


def csv_blocks(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """A CSV file as UTF-8, some rows at a time."""
    # The mark at the start makes Excel read UTF-8.
    text = io.StringIO("\ufeff" + ",".join(header) + "\r\n", newline="")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
        if text.tell() >= _BLOCK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def write_workbook(
    path: Path, sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]
) -> None:
    """Sheets of a name, a header and rows, in turn; one with too many rows goes on in another."""
    import xlsxwriter

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        for name, header, rows in sheets:
            left = iter(rows)
            for part in count(1):
                sheet = book.add_worksheet(name if part == 1 else f"{name} {part}")
                for column, title in enumerate(header):
                    sheet.write_string(0, column, title, bold)
                if _write_rows(sheet, islice(left, _SHEET_ROWS)) < _SHEET_ROWS:
                    break


def _write_rows(sheet: object, rows: Iterable[Sequence[Cell]]) -> int:
    written = 0
    for written, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, int | Decimal) and _exact(cell):
                sheet.write_number(written, column, cell)  # type: ignore[attr-defined]
            elif cell is not None:
                plain = str(cell)[:_LONGEST_TEXT]
                sheet.write_string(written, column, plain)  # type: ignore[attr-defined]
    return written


def _exact(number: int | Decimal) -> bool:
    """Whether a spreadsheet's number can hold it; longer ones are written as text."""
    return len(Decimal(number).as_tuple().digits) <= _EXACT_DIGITS
