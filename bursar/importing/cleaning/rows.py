"""What comes out of cleaning: rows to load, rows to send back, and rows that are neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Defaults:
    """What a person gives for every row whose cell is blank or that has no column."""

    currency: str | None
    fiscal_period: str | None
    department: str | None
    sub_category: str | None = None


class CellError(NamedTuple):
    """One reason to refuse a row; `column` is the header, None where the row as a whole is."""

    column: str | None
    value: str
    code: str
    detail: str


class BudgetRow(NamedTuple):
    """One budget for one period. `row` counts from 1 as a spreadsheet shows it; amounts are
    canonical decimal text that fits the currency; `fiscal_period` is a canonical code.
    """

    row: int
    department: str
    sub_category: str | None
    fiscal_period: str
    currency: str
    account_code: str | None
    program: str | None
    project: str | None
    fund: str | None
    owner: str | None
    notes: str | None
    external_ref: str | None
    budgeted_amount: str
    committed_amount: str | None
    actual_amount: str | None


class RejectedRow(NamedTuple):
    """A row that cannot be loaded, with its cells as they were and every reason."""

    row: int
    sheet: str | None
    cells: tuple[str, ...]
    errors: tuple[CellError, ...]


@dataclass(slots=True)
class LeftOut:
    """Rows that are neither loaded nor rejected, counted while the rows are read."""

    blank: int = 0
    totals: int = 0
    empty: int = 0
    """Rows with labels only: sections, and lines whose amount cells are all blank or dashes."""
