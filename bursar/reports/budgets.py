"""What budgets had and used over a span of time: one budget, or all of a tenant in one statement.

Entries count on the day on which they are effective. With `known_before` only those count that were
recorded before that moment, so that a report can be given again as it was, whatever came to light
since. Amounts are in the budget's own currency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import capabilities
from psycopg.rows import namedtuple_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.errors import NotFound
from bursar.reports.ranges import Span
from schema.tables.ledger import USED

_ZERO = Decimal(0)
_ROWS_AT_ONCE = 200


@dataclass(slots=True)
class Counters:
    """What an account holds at one moment."""

    authorized: Decimal = _ZERO
    reserved: Decimal = _ZERO
    committed: Decimal = _ZERO
    spent: Decimal = _ZERO

    @property
    def used(self) -> Decimal:
        """What is set aside or gone."""
        return self.reserved + self.committed + self.spent

    @property
    def available(self) -> Decimal:
        """What is left of the account's own money; what budgets below use is not looked at."""
        return self.authorized - self.used

    def add(self, other: Counters) -> None:
        """Count another account of the same currency in."""
        self.authorized += other.authorized
        self.reserved += other.reserved
        self.committed += other.committed
        self.spent += other.spent


@dataclass(slots=True)
class Moved:
    """The entries of one kind: how many, how much, and what they did to the account."""

    entries: int = 0
    amount: Decimal = _ZERO
    delta_authorized: Decimal = _ZERO
    delta_used: Decimal = _ZERO

    def add(self, other: Moved) -> None:
        """Count more entries of the same kind in."""
        self.entries += other.entries
        self.amount += other.amount
        self.delta_authorized += other.delta_authorized
        self.delta_used += other.delta_used


@dataclass(slots=True)
class Report:
    """Opening and closing of some money, and what moved in between, by kind of entry."""

    currency: str
    opening: Counters = field(default_factory=Counters)
    closing: Counters = field(default_factory=Counters)
    entries: int = 0
    by_kind: dict[str, Moved] = field(default_factory=dict)

    @property
    def utilization_percent(self) -> Decimal | None:
        """How much of what was there at the end is used; None where nothing was there."""
        if self.closing.authorized <= 0:
            return None
        return round(self.closing.used * 100 / self.closing.authorized, 4)


@dataclass(slots=True, kw_only=True)
class BudgetReport(Report):
    """The report of one budget."""

    budget_id: UUID
    name: str
    department: str
    sub_category: str | None
    fiscal_period: str
    status: str


@dataclass(slots=True, kw_only=True)
class Totals(Report):
    """The sum of the reports of many budgets in one currency."""

    budgets: int = 0

    def add(self, report: BudgetReport) -> None:
        """Count a budget in."""
        self.budgets += 1
        self.entries += report.entries
        self.opening.add(report.opening)
        self.closing.add(report.closing)
        for kind, moved in report.by_kind.items():
            self.by_kind.setdefault(kind, Moved()).add(moved)


_REPORTS = (
    "select * from report_budgets(%s, %s, %s, coalesce(%s::timestamptz, 'infinity'), %s::uuid)"
)


def budget_report(
    session: Session,
    tenant_id: UUID,
    budget_id: UUID,
    span: Span,
    known_before: datetime | None = None,
) -> BudgetReport:
    """The report of one budget. Raises NotFound."""
    for report in _reports(session, tenant_id, span, known_before, budget_id):
        return report
    raise NotFound("There is no such budget.")


def tenant_reports(
    session: Session, tenant_id: UUID, span: Span, known_before: datetime | None = None
) -> Iterator[BudgetReport]:
    """The reports of all live budgets by department, a few in memory at a time."""
    return _reports(session, tenant_id, span, known_before, None)


def _reports(
    session: Session,
    tenant_id: UUID,
    span: Span,
    known_before: datetime | None,
    budget_id: UUID | None,
) -> Iterator[BudgetReport]:
    names = (tenant_id, span.starts_at, span.ends_at, known_before, budget_id)
    for row in stream_rows(session, _REPORTS, names):
        yield BudgetReport(
            budget_id=row.budget_id,
            name=row.name,
            department=row.department,
            sub_category=row.sub_category,
            fiscal_period=row.fiscal_period,
            currency=row.currency,
            status=row.status,
            opening=_counters(row, "opening"),
            closing=_counters(row, "closing"),
            entries=row.entries,
            by_kind=_by_kind(row.moves),
        )


def stream_rows(session: Session, statement: str, parameters: Sequence[object]) -> Iterator[Any]:
    """The rows of a statement as they come, without keeping them.

    Not through a server-side cursor: its plan would be the quickest to a first row, and could not
    use several processes.
    """
    # To group a million entries on the disk takes twice as long; this holds their groups in memory.
    session.execute(text("set local work_mem = '64MB'"))
    connection: Any = session.connection().connection.driver_connection
    size = _ROWS_AT_ONCE if capabilities.has_stream_chunked() else 1
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        yield from cursor.stream(statement, parameters, size=size)


def _counters(row: Any, moment: str) -> Counters:
    names = ("authorized", "reserved", "committed", "spent")
    return Counters(*(getattr(row, f"{moment}_{name}") for name in names))


def _by_kind(moves: Sequence[str]) -> dict[str, Moved]:
    found: dict[str, Moved] = {}
    for move in sorted(moves):
        kind, source, target, entries, amount_text = move.split(" ")
        amount = Decimal(amount_text)
        found.setdefault(kind, Moved()).add(
            Moved(
                int(entries),
                amount,
                amount * ((source == "external") - (target == "external")),
                amount * ((target in USED) - (source in USED)),
            )
        )
    return found
