"""Reading the entries of an account."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bursar.paging import LARGEST_PAGE, Page, read_cursor, write_cursor
from schema.tables import BudgetAccount, LedgerEntry

ENTRY_ORDER = "-seq"


def list_entries(
    session: Session,
    account_id: UUID,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of an account's entries, newest first; only those of a span, where one is named.

    Raises InvalidCursor.
    """
    # Numbers leave no gap, so a page is a range of them and nothing else is read. The planner, who
    # knows no tenant's size, would read and sort all entries of the account for each page.
    newest = _newest(session, account_id, before)
    oldest = 1 if since is None else _last_before(session, account_id, since) + 1
    if cursor is not None:
        seq, _ = read_cursor(cursor, ENTRY_ORDER, [int, UUID])
        newest = min(newest, seq - 1)
    lowest = max(newest - min(limit, LARGEST_PAGE) + 1, oldest)
    rows = session.execute(
        select(LedgerEntry)
        .where(LedgerEntry.account_id == account_id, LedgerEntry.seq.between(lowest, newest))
        .order_by(LedgerEntry.seq.desc())
    ).scalars()
    more = lowest > oldest
    return Page(list(rows), write_cursor(ENTRY_ORDER, [lowest, account_id]) if more else None)


def _newest(session: Session, account_id: UUID, before: datetime | None) -> int:
    if before is not None:
        return _last_before(session, account_id, before)
    account = select(BudgetAccount.entry_seq).where(BudgetAccount.id == account_id)
    return session.execute(account).scalar() or 0


def _last_before(session: Session, account_id: UUID, moment: datetime) -> int:
    return int(session.execute(select(func.ledger_seq_before(account_id, moment))).scalar_one())


def accounts_of(session: Session, budget_id: UUID) -> list[UUID]:
    """The accounts that a budget has and had, one a period."""
    found = select(func.budget_accounts(func.current_tenant(), budget_id))
    return list(session.execute(found).scalars())
