"""Small files of the shapes that people send, made in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from bursar.importing.cleaning.clean import BudgetRow, Defaults, LeftOut, RejectedRow, clean_rows
from bursar.importing.recognising.analysis import Analysis, analyze

WriteText = Callable[..., Path]
WriteBook = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteText:
    def write(text: str, name: str = "budget.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture
def write_book(tmp_path: Path) -> WriteBook:
    def write(sheets: dict[str, Sequence[Sequence[object]]], name: str = "budget.xlsx") -> Path:
        path = tmp_path / name
        with xlsxwriter.Workbook(str(path)) as book:
            for title, rows in sheets.items():
                sheet = book.add_worksheet(title)
                for i, row in enumerate(rows):
                    sheet.write_row(i, 0, row)
        return path

    return write


class Cleaned:
    """All that came of cleaning a file."""

    def __init__(self, path: Path, analysis: Analysis | None = None, **options: object) -> None:
        self.analysis = analysis or analyze(path, path.name)
        self.left_out = LeftOut()
        settings: dict[str, object] = {
            "defaults": Defaults(None, None, None),
            "base_currency": "USD",
            "allowed_currencies": (),
            "left_out": self.left_out,
        }
        rows = list(clean_rows(path, self.analysis, **(settings | options)))  # type: ignore[arg-type]
        self.rows = [row for row in rows if isinstance(row, BudgetRow)]
        self.rejected = [row for row in rows if isinstance(row, RejectedRow)]

    @property
    def amounts(self) -> list[str]:
        return [row.budgeted_amount for row in self.rows]

    @property
    def codes(self) -> list[str]:
        return [error.code for row in self.rejected for error in row.errors]


@pytest.fixture
def clean() -> type[Cleaned]:
    return Cleaned
