"""Telling what was noted: crossings become alerts, events become deliveries, each once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.events import OUTWARD
from bursar.webhooks.deliveries import fan_out

AT_ONCE = 500


def tell_noted(session: Session, tenant_id: UUID, limit: int = AT_ONCE) -> int:
    """Tell the oldest of what waits in the outbox; returns how many there were."""
    noted = session.execute(
        text(
            "select id, topic, payload from outbox where tenant_id = :tenant"
            " and published_at is null order by created_at limit :limit for update skip locked"
        ),
        {"tenant": tenant_id, "limit": limit},
    ).all()
    for event in noted:
        if event.topic == OUTWARD:
            fan_out(session, tenant_id, event.id, event.payload["event"], event.payload)
        elif event.topic == alerts.TOPUP:
            alerts.raise_for_topup(session, tenant_id, event.payload)
        else:
            alerts.raise_for_crossing(session, tenant_id, event.payload)
    if noted:
        session.execute(
            text(
                "update outbox set published_at = now()"
                " where tenant_id = :tenant and id = any(:ids)"
            ),
            {"tenant": tenant_id, "ids": [event.id for event in noted]},
        )
    return len(noted)
