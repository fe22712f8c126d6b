"""The trail of who changed what, as triggers have written it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from bursar.paging import Page, page
from schema.tables import AuditLog


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody did to an object. `fields`: what each field said before, and says since."""

    action: str
    actor: str
    recorded_at: datetime
    from_state: str | None
    fields: tuple[tuple[str, Any, Any], ...]


def changes_of(
    session: Session, kind: str, object_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of the changes of an object, such as a `budget` or a `job`, newest first.

    Raises InvalidCursor.
    """
    query = select(AuditLog, cast(AuditLog.diff, Text).label("said")).where(
        AuditLog.object_type == kind, AuditLog.object_id == object_id
    )
    columns = AuditLog.__table__.c
    found = page(
        session, query, columns={"recorded_at": columns.recorded_at}, key=columns.id,
        sort="-recorded_at", limit=limit, cursor=cursor,
    )  # fmt: skip
    return Page([_change(row.AuditLog, row.said) for row in found.rows], found.next_cursor)


def _change(row: AuditLog, diff: str | None) -> Change:
    # Amounts keep all their digits, which no float would, but not the noughts behind the last.
    kept = json.loads(diff or "{}", parse_float=lambda digits: digits.rstrip("0").rstrip("."))
    # Of a new object the trail keeps what it says, of a changed one pairs of before and after.
    fields = tuple(
        (name, *(said if row.action != "insert" else (None, said)))
        for name, said in sorted(kept.items())
    )
    return Change(row.action, row.actor, row.recorded_at, row.from_state, fields)
