"""Alerts: raised once from what the ledger told, acknowledged and resolved by people."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar.errors import NotFound
from bursar.paging import Page, page
from schema.tables import Alert

# Type of alert → (severity, wording).
THRESHOLDS = {
    "threshold_warning": ("warning", "The budget has passed its soft cap."),
    "threshold_exceeded": ("critical", "The budget is close to its hard cap."),
}


def raise_from_outbox(session: Session, tenant_id: UUID, limit: int = 500) -> int:
    """Turn the ledger's events into alerts, once each; returns how many events were told.

    An event whose alert is still open adds nothing: one alert a crossing.
    """
    events = session.execute(
        text(
            "select id, topic, payload from outbox where tenant_id = :tenant"
            " and published_at is null order by created_at limit :limit for update skip locked"
        ),
        {"tenant": tenant_id, "limit": limit},
    ).all()
    for event in events:
        kind = event.payload.get("type")
        if kind in THRESHOLDS:
            _raise(session, tenant_id, kind, event.payload)
    if events:
        session.execute(
            text(
                "update outbox set published_at = now()"
                " where tenant_id = :tenant and id = any(:ids)"
            ),
            {"tenant": tenant_id, "ids": [event.id for event in events]},
        )
    return len(events)


def _raise(session: Session, tenant_id: UUID, kind: str, payload: dict[str, Any]) -> None:
    severity, message = THRESHOLDS[kind]
    authorized, used = Decimal(payload["authorized"]), Decimal(payload["used"])
    session.execute(
        text(
            "insert into alert (tenant_id, type, severity, budget_id, utilization_percent,"
            " message, details, dedup_key) values (:tenant, :type, :severity, :budget, :percent,"
            " :message, cast(:details as jsonb), :dedup)"
            " on conflict (tenant_id, dedup_key) where state <> 'resolved' do nothing"
        ),
        {
            "tenant": tenant_id,
            "type": kind,
            "severity": severity,
            "budget": payload["budget_id"],
            "percent": round(used * 100 / authorized, 4) if authorized > 0 else None,
            "message": message,
            "details": json.dumps(payload),
            "dedup": f"{kind}:{payload['budget_id']}",
        },
    )


def raise_alert(
    session: Session, tenant_id: UUID, kind: str, severity: str, message: str,
    details: dict[str, Any], dedup_key: str,
) -> bool:  # fmt: skip
    """Raise an alert unless one of this key is still open; whether it is a new one."""
    made = session.execute(
        text(
            "insert into alert (tenant_id, type, severity, message, details, dedup_key)"
            " values (:tenant, :type, :severity, :message, cast(:details as jsonb), :dedup)"
            " on conflict (tenant_id, dedup_key) where state <> 'resolved' do nothing returning id"
        ),
        {
            "tenant": tenant_id, "type": kind, "severity": severity, "message": message,
            "details": json.dumps(details, default=str), "dedup": dedup_key,
        },
    ).first()  # fmt: skip
    return made is not None


def resolve_key(session: Session, tenant_id: UUID, dedup_key: str, actor: str) -> None:
    """Resolve the alert of this key, if one is open: what it was about is over."""
    session.execute(
        text(
            "update alert set state = 'resolved', resolved_by = :actor, resolved_at = now()"
            " where tenant_id = :tenant and dedup_key = :dedup and state <> 'resolved'"
        ),
        {"tenant": tenant_id, "dedup": dedup_key, "actor": actor},
    )


def list_alerts(
    session: Session,
    *,
    state: str | None = None,
    kind: str | None = None,
    budget_id: UUID | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of alerts, newest first."""
    query = select(Alert)
    for column, value in ((Alert.state, state), (Alert.type, kind), (Alert.budget_id, budget_id)):
        if value is not None:
            query = query.where(column == value)
    return page(
        session,
        query,
        columns={"created_at": Alert.__table__.c.created_at},
        key=Alert.__table__.c.id,
        limit=limit,
        cursor=cursor,
    )


def acknowledge(session: Session, alert_id: UUID, actor: str) -> Alert:
    """Note who has seen an alert; the first to do so stays noted. Raises NotFound."""
    alert = _get(session, alert_id)
    if alert.state == "open":
        alert.state, alert.acknowledged_by, alert.acknowledged_at = "acknowledged", actor, _now()
    session.flush()
    return alert


def resolve(session: Session, alert_id: UUID, actor: str) -> Alert:
    """Close an alert; the same cause may raise a new one afterwards. Raises NotFound."""
    alert = _get(session, alert_id)
    if alert.state != "resolved":
        alert.state, alert.resolved_by, alert.resolved_at = "resolved", actor, _now()
    session.flush()
    return alert


def _now() -> Any:
    return func.now()


def _get(session: Session, alert_id: UUID) -> Alert:
    alert = session.execute(
        select(Alert).where(Alert.id == alert_id).with_for_update()
    ).scalar_one_or_none()
    if alert is None:
        raise NotFound("There is no such alert.")
    return alert
