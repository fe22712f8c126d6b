"""Questions of an auditor: the life of a reference, the entries of a budget, sums by day, drift.

All but the daily sums come in pages that stay as they are while entries are added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, column, func, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidCursor, InvalidInput, NotFound
from bursar.ledger.entries import ENTRY_ORDER, list_entries
from bursar.paging import Page, page, read_cursor, write_cursor
from bursar.proof.reconcile import COUNTERS
from bursar.reports.ranges import Calendar, Span
from schema.tables import BudgetAccount, LedgerEntry

LONGEST_DAILY = timedelta(days=366 * 3)
_ENTRY = LedgerEntry.__table__.c
_BEYOND_ALL = 2**62  # a number that no entry has
_ACCOUNTS = text(
    "select a.id from budget_accounts(current_tenant(), :budget) x (id)"
    " join budget_account a on a.tenant_id = current_tenant() and a.id = x.id"
    " order by a.closed_at desc nulls first, a.opened_at desc nulls last"
)


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with the budget that it belongs to; amounts are in `currency`."""

    entry: LedgerEntry
    budget_id: UUID
    currency: str


def entries_of_reference(
    session: Session, ref_type: str, ref_id: str, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """Everything that was posted under a reference, oldest first, in whichever budgets.

    Entries of imports have no reference of their own; they are found by the import.
    """
    query = select(LedgerEntry).where(
        LedgerEntry.ref_type == ref_type,
        LedgerEntry.ref_id == ref_id,
        LedgerEntry.ref_type != "import",  # said for the index, which leaves them out
    )
    found = page(
        session, query,
        columns={"recorded_at": _ENTRY.recorded_at}, key=(_ENTRY.account_id, _ENTRY.seq),
        sort="recorded_at", limit=limit, cursor=cursor,
    )  # fmt: skip
    return _placed(session, Page([row.LedgerEntry for row in found.rows], found.next_cursor))


def entries_of_budget(
    session: Session,
    budget_id: UUID,
    span: Span,
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """What was recorded on a budget within a span of days: the present period before the past ones,
    the newest entries of each first.

    Raises NotFound, InvalidCursor.
    """
    accounts = list(session.execute(_ACCOUNTS, {"budget": budget_id}).scalars())
    if not accounts:
        raise NotFound("There is no such budget.")
    if cursor is not None:
        _, reached = read_cursor(cursor, ENTRY_ORDER, [int, UUID])
        if reached not in accounts:
            raise InvalidCursor
        accounts = accounts[accounts.index(reached) :]
    rows: list[LedgerEntry] = []
    for n, account_id in enumerate(accounts):
        found = list_entries(
            session, account_id, since=span.starts_at, before=span.ends_at,
            limit=limit - len(rows), cursor=cursor if n == 0 else None,
        )  # fmt: skip
        rows += found.rows
        if found.next_cursor is not None:
            return _placed(session, Page(rows, found.next_cursor))
        if len(rows) >= limit and n + 1 < len(accounts):
            onward = write_cursor(ENTRY_ORDER, [_BEYOND_ALL, accounts[n + 1]])
            return _placed(session, Page(rows, onward))
    return _placed(session, Page(rows, None))


def _placed(session: Session, found: Page) -> Page:
    entries: list[LedgerEntry] = found.rows
    accounts = session.execute(
        select(BudgetAccount.id, BudgetAccount.budget_id, BudgetAccount.currency).where(
            BudgetAccount.id.in_({entry.account_id for entry in entries})
        )
    )
    of = {account.id: account for account in accounts}
    placed = [
        Placed(entry, of[entry.account_id].budget_id, of[entry.account_id].currency)
        for entry in entries
    ]
    return Page(placed, found.next_cursor)


CARRIED = ("carry_in", "carry_out")  # kinds of entries that move use between periods


@dataclass(frozen=True, slots=True)
class DailySum:
    """The entries of one kind, in one currency, that are effective on one day."""

    day: date
    currency: str
    kind: str
    entries: int
    amount: Decimal
    delta_used: Decimal


def use_by_day(sums: Iterable[DailySum]) -> dict[date, Decimal]:
    """What each day has added to what is used, without what was used in another period before."""
    found: dict[date, Decimal] = {}
    for one in sums:
        if one.kind not in CARRIED:
            found[one.day] = found.get(one.day, Decimal(0)) + one.delta_used
    return found


def daily_sums(
    session: Session,
    tenant_id: UUID,
    calendar: Calendar,
    span: Span,
    budget_id: UUID | None = None,
) -> Sequence[DailySum]:
    """Entries by day of the tenant's calendar, currency and kind; of one budget, or of all.

    Raises InvalidInput for more than three years at once.
    """
    if span.ends_at - span.starts_at > LONGEST_DAILY:
        fault = Fault("/from", "range_too_long", "Sums by day are given for three years at most.")
        raise InvalidInput(fault.detail, faults=[fault])
    rows = session.execute(
        text("select * from report_daily(:tenant, :from, :to, :zone, cast(:budget as uuid))"),
        {
            "tenant": tenant_id, "from": span.starts_at, "to": span.ends_at,
            "zone": calendar.zone.key, "budget": budget_id,
        },
    )  # fmt: skip
    return [DailySum(*row) for row in rows]


_RECONCILED = ("budget_id", "account_id")
_FIGURES = tuple(f"{side}_{counter}" for counter in COUNTERS for side in ("stored", "derived"))


def discrepancies(
    session: Session, tenant_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """Budgets whose counters do not follow from their entries: none, in a ledger that is sound."""
    columns: list[ColumnElement[Any]] = [
        *(column(name, PG_UUID(as_uuid=True)) for name in _RECONCILED),
        column("currency"),
        *(column(name, Numeric) for name in (*_FIGURES, "discrepancy")),
        column("entries"),
    ]
    found = func.ledger_reconcile(tenant_id).table_valued(*columns, name="reconciled")
    return page(
        session, select(found).where(found.c.discrepancy != 0),
        columns={"budget_id": found.c.budget_id}, key=found.c.account_id,
        sort="budget_id", limit=limit, cursor=cursor,
    )  # fmt: skip
