"""Reports as rows of a table: one budget a row, and a number of entries and a sum for each kind."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bursar.money import to_wire
from bursar.reports.budgets import BudgetReport, Counters, Report, Totals
from bursar.reports.inert_files import Cell
from bursar.reports.ranges import Span

KINDS = (
    "fund", "adjust", "transfer_in", "transfer_out", "carry_in", "carry_out", "reserve", "commit",
    "charge", "release", "expire", "refund", "reverse",
)  # fmt: skip
_OF_BUDGET = (
    "budget_id", "name", "department", "sub_category", "fiscal_period", "status",
)  # fmt: skip
_COUNTERS = ("budgeted_amount", "reserved", "committed", "spent", "balance", "available")
_OF_MONEY = (
    "currency", "from", "to",
    *(f"opening_{name}" for name in _COUNTERS),
    *(f"closing_{name}" for name in _COUNTERS),
    "utilization_percent", "entries",
    *(f"{kind}_{of}" for kind in KINDS for of in ("entries", "amount")),
)  # fmt: skip
BUDGET_HEADER = (*_OF_BUDGET, *_OF_MONEY)
TOTALS_HEADER = ("budgets", *_OF_MONEY)


def budget_row(report: BudgetReport, span: Span) -> list[Cell]:
    """The cells of a budget under `BUDGET_HEADER`; days are those of the tenant's calendar."""
    return [
        str(report.budget_id), report.name, report.department, report.sub_category,
        report.fiscal_period, report.status, *_money(report, span),
    ]  # fmt: skip


def totals_row(totals: Totals, span: Span) -> list[Cell]:
    """The cells of one currency under `TOTALS_HEADER`."""
    return [totals.budgets, *_money(totals, span)]


def _money(report: Report, span: Span) -> Iterator[Cell]:
    yield from (report.currency, span.first_day.isoformat(), span.last_day.isoformat())
    yield from counter_cells(report.opening, report.currency)
    yield from counter_cells(report.closing, report.currency)
    percent = report.utilization_percent
    yield None if percent is None else round(percent, 2)
    yield report.entries
    for kind in KINDS:
        moved = report.by_kind.get(kind)
        yield None if moved is None else moved.entries
        yield None if moved is None else _exact(moved.amount, report.currency)


def counter_cells(counters: Counters, currency: str) -> Iterator[Cell]:
    """The six figures of an account, with the decimals of their currency."""
    for amount in (
        counters.authorized, counters.reserved, counters.committed, counters.spent, counters.used,
        counters.available,
    ):  # fmt: skip
        yield _exact(amount, currency)


def _exact(amount: Decimal, currency: str) -> Decimal:
    return Decimal(to_wire(amount, currency))
