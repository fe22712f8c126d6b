"""The list of budgets as rows of a table, however long it is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from bursar.budgets.listing import list_balances
from bursar.money import to_wire
from bursar.paging import LARGEST_PAGE
from bursar.reports.inert_files import Cell

_TEXTS = (
    "department", "sub_category", "name", "account_code", "program", "project", "fund",
    "fiscal_period", "status", "owner", "external_ref", "currency",
)  # fmt: skip
_AMOUNTS = ("authorized", "reserved", "committed", "spent", "available")
HEADER = (
    "budget_id", *_TEXTS, "budgeted_amount", *_AMOUNTS[1:], "utilization_percent",
)  # fmt: skip


def rows_of(session: Session, **filters: Any) -> Iterator[list[Cell]]:
    """The cells under HEADER of all budgets that fit, by department; a page at a time in memory."""
    cursor: str | None = None
    while True:
        page = list_balances(
            session, **filters, sort="department", limit=LARGEST_PAGE, cursor=cursor
        )
        for row in page.rows:
            amounts = [Decimal(to_wire(getattr(row, name), row.currency)) for name in _AMOUNTS]
            yield [str(row.id), *(getattr(row, name) for name in _TEXTS), *amounts,
                   row.utilization_percent]  # fmt: skip
        cursor = page.next_cursor
        if cursor is None:
            return
