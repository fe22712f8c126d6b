"""Events for others: noted with the change that they tell of, and sent afterwards."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# The topic of the outbox under which events for others wait.
OUTWARD = "webhook"


def note_event(session: Session, tenant_id: UUID, event: str, payload: dict[str, Any]) -> None:
    """Note an event in this transaction; endpoints that want it hear of it soon after.

    Imports and jobs are noted by triggers, wherever their end comes from.
    """
    session.execute(
        text("select note_event(:tenant, cast(:payload as jsonb))"),
        {"tenant": tenant_id, "payload": json.dumps({"event": event, **payload}, default=str)},
    )
