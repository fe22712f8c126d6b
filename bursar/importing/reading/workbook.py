"""Rows of a workbook (XLSX, XLSM, XLSB, XLS, ODS) through calamine, as text.

Numbers become exact decimal text by the shortest form of the stored double; dates become ISO
text. calamine is written in Rust and can panic on damaged files; a panic is a damaged file here.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import python_calamine as calamine

from bursar.config import settings
from bursar.errors import BursarError, EmptyFile, FileLimitExceeded, SheetNotFound, UnreadableFile
from bursar.importing.reading.addresses import column_letters
from bursar.importing.reading.appearance import Appearance, appearance_of
from bursar.importing.reading.archive import check_archive
from bursar.importing.reading.cells import Numeric
from bursar.importing.reading.doubles import double_text
from bursar.importing.reading.formulas import Cells, cells_without_result
from bursar.importing.reading.kinds import workbook_members
from bursar.importing.reading.records import xls_extents

T = TypeVar("T")


class WorkbookSource:
    """A workbook with named sheets; hidden sheets and charts are left out."""

    def __init__(self, path: Path, file_name: str, *, zipped: bool) -> None:
        self.path = path
        self.file_name = file_name
        if zipped:
            workbook_members(path, file_name)
            check_archive(path, file_name)
        else:
            for extent in xls_extents(path):
                extent.check(file_name)
        self._book = self._guard(self._opened)
        visible = calamine.SheetVisibleEnum.Visible
        tables = calamine.SheetTypeEnum.WorkSheet
        every = [sheet for sheet in self._book.sheets_metadata if sheet.typ == tables]
        shown = [sheet.name for sheet in every if sheet.visible == visible]
        self.sheets: tuple[str, ...] = tuple(shown or [sheet.name for sheet in every])
        self._names = tuple(sheet.name for sheet in every)
        self._hidden = [name for name in self._names if name not in self.sheets]
        self._zipped = zipped
        self._formulas: dict[str, Cells] = {}
        self._appearances: dict[str, Appearance] = {}
        if not self.sheets:
            raise EmptyFile(f"{file_name} has no sheet with cells.")

    def _opened(self) -> calamine.CalamineWorkbook:
        # Given a path, calamine would go by the extension.
        with self.path.open("rb") as file:
            return calamine.CalamineWorkbook.from_filelike(file)

    def _guard(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except calamine.PasswordError as problem:
            raise UnreadableFile(
                f"{self.file_name} is protected by a password. Save it without one and retry."
            ) from problem
        except BursarError:
            raise
        except Exception as problem:
            raise self._damaged() from problem
        except BaseException as problem:
            # Rust panics arrive as a BaseException of pyo3, which cannot be imported.
            if type(problem).__name__ != "PanicException":
                raise
            raise self._damaged() from None

    def _damaged(self) -> UnreadableFile:
        return UnreadableFile(
            f"{self.file_name} is damaged or not a workbook. Open it in a spreadsheet program, "
            "save it as XLSX or CSV and retry."
        )

    def rows(self, sheet: str | None = None) -> Iterator[list[str]]:
        """Every raw row from the sheet's first row on; all rows are as wide as the sheet.

        Raises SheetNotFound, UnreadableFile, FileLimitExceeded.
        """
        name = sheet if sheet is not None else self.sheets[0]
        if name not in self._names:
            raise SheetNotFound(
                f"{self.file_name} has no sheet {name!r}. Its sheets: {', '.join(self.sheets)}."
            )
        table = self._guard(lambda: self._book.get_sheet_by_name(name))
        limits = settings()
        if table.total_width > limits.column_limit:
            raise FileLimitExceeded(
                f"Sheet {name!r} of {self.file_name} has {table.total_width} columns; at most "
                f"{limits.column_limit} are allowed."
            )
        if table.total_height > limits.row_limit:
            raise FileLimitExceeded(
                f"Sheet {name!r} of {self.file_name} has {table.total_height} rows; at most "
                f"{limits.row_limit} are allowed."
            )
        return self._text_rows(name, table)

    def symbols(self, sheet: str | None = None) -> Mapping[int, set[str]]:
        """What number formats put beside the numbers of each column."""
        return self._shown(sheet if sheet is not None else self.sheets[0]).symbols

    def _shown(self, sheet: str) -> Appearance:
        if sheet not in self._appearances:
            self._appearances[sheet] = (
                self._guard(lambda: appearance_of(self.path, sheet))
                if self._zipped
                else Appearance()
            )
        return self._appearances[sheet]

    def notes(self, sheet: str | None = None) -> list[str]:
        """Hidden sheets, rows and columns, and formulas of the sheet without a result."""
        notes = []
        if self._hidden:
            notes.append(
                f"Hidden sheets are not proposed: {', '.join(self._hidden[:10])}. Name one to read"
                " it."
            )
        notes += self._shown(sheet if sheet is not None else self.sheets[0]).notes()
        formulas = self._without_result(sheet if sheet is not None else self.sheets[0])
        if formulas:
            count = sum(map(len, formulas.values()))
            row = min(formulas)
            place = f"{column_letters(min(formulas[row]) + 1)}{row + 1}"
            notes.append(
                f"{count} cells, the first of them {place}, hold a formula whose result the file"
                " does not store. Open it in a spreadsheet program, save it and retry; until then"
                " their rows are rejected."
            )
        return notes

    def _without_result(self, sheet: str) -> Cells:
        if sheet not in self._formulas:
            self._formulas[sheet] = (
                self._guard(lambda: cells_without_result(self.path, self.file_name, sheet))
                if self._zipped
                else {}
            )
        return self._formulas[sheet]

    def _text_rows(self, name: str, table: calamine.CalamineSheet) -> Iterator[list[str]]:
        cells = iter(self._guard(table.iter_rows))
        texts = cell_text
        # calamine starts at the first used column; indexes count from column A.
        margin = [""] * (table.start[1] if table.start else 0)
        formulas = self._without_result(name)
        merged = _Merged(self._guard(lambda: table.merged_cell_ranges or []))
        number = 0
        while True:
            row = self._guard(lambda: next(cells, None))
            if row is None:
                return
            text = margin + [cell if type(cell) is str else texts(cell) for cell in row]
            for column, formula in formulas.get(number, {}).items():
                if column < len(text) and not text[column]:
                    text[column] = formula
            yield merged.filled(number, text)
            number += 1


class _Merged:
    """Cells merged downwards: one label for several rows belongs to each of them.

    Cells merged sideways are titles and groups of columns; those stay where they are.
    """

    def __init__(self, ranges: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
        self._starts: dict[int, list[tuple[int, int]]] = {}
        for (top, left), (bottom, _) in ranges:
            if bottom > top:
                self._starts.setdefault(top, []).append((left, bottom))
        self._open: list[tuple[int, int, str]] = []

    def filled(self, number: int, row: list[str]) -> list[str]:
        """The row with the labels of the ranges that reach down to it."""
        if not self._starts:
            return row
        self._open = [entry for entry in self._open if entry[1] >= number]
        for column, _, label in self._open:
            if column < len(row) and not row[column]:
                row[column] = label
        for column, bottom in self._starts.get(number, ()):
            if column < len(row) and row[column]:
                self._open.append((column, bottom, row[column]))
        return row


def cell_text(cell: object) -> str:
    """One cell as text, exact."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return Numeric(double_text(cell))
    if isinstance(cell, int):
        return Numeric(cell)
    if isinstance(cell, datetime.datetime):
        at_midnight = cell.time() == datetime.time(0)
        return cell.date().isoformat() if at_midnight else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return "" if cell is None else str(cell)
