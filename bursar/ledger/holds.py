"""Reading what is set aside."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from schema.tables import Hold


def open_holds(session: Session, account_id: UUID, limit: int = 50) -> tuple[list[Hold], bool]:
    """Some open reservations and obligations of an account, and whether there are more."""
    rows = session.execute(
        select(Hold)
        .where(Hold.account_id == account_id, Hold.state == "open")
        .order_by(Hold.created_at.desc(), Hold.ref_type, Hold.ref_id)
        .limit(limit + 1)
    ).scalars()
    found = list(rows)
    return found[:limit], len(found) > limit
