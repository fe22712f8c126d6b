"""Reading the entries of an account."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.paging import Page, page
from schema.tables import LedgerEntry


def list_entries(
    session: Session, account_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of an account's entries, newest first."""
    found = page(
        session,
        select(LedgerEntry).where(LedgerEntry.account_id == account_id),
        columns={"seq": LedgerEntry.__table__.c.seq},
        key=LedgerEntry.__table__.c.account_id,
        sort="-seq",
        limit=limit,
        cursor=cursor,
    )
    return Page([row.LedgerEntry for row in found.rows], found.next_cursor)
