"""Alerts: what people should know."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar import alerts
from schema.tables import Alert
from web import idempotency
from web.api.wire import ListQuery, Out, percent_text, problems, time_text
from web.auth import READ, SPEND, principal, require, transaction

api = APIBlueprint("alerts", __name__, url_prefix="/api/v1/alerts", abp_tags=[Tag(name="Alerts")])


class AlertOut(Out):
    """An alert."""

    id: UUID
    type: str
    severity: Literal["info", "warning", "critical"]
    state: Literal["open", "acknowledged", "resolved"]
    budget_id: UUID | None
    utilization_percent: str | None
    message: str
    details: dict[str, Any]
    acknowledged_by: str | None
    acknowledged_at: str | None
    resolved_by: str | None
    resolved_at: str | None
    created_at: str


class AlertPage(Out):
    """A page of alerts."""

    data: list[AlertOut]
    next_cursor: str | None


class AlertFilter(ListQuery):
    """Which alerts."""

    state: Literal["open", "acknowledged", "resolved"] | None = None
    type: Annotated[str, Field(max_length=60, pattern=r"^[a-z_]+$")] | None = None
    budget_id: UUID | None = None


class AlertPath(BaseModel):
    """Which alert."""

    alert_id: UUID


def wire(alert: Alert) -> dict[str, Any]:
    """An alert as the API shows it."""
    plain = ("type", "severity", "state", "message", "details", "acknowledged_by", "resolved_by")
    return {
        "id": str(alert.id),
        "budget_id": str(alert.budget_id) if alert.budget_id else None,
        "utilization_percent": percent_text(alert.utilization_percent),
        **{name: getattr(alert, name) for name in plain},
        **{
            name: time_text(getattr(alert, name))
            for name in ("acknowledged_at", "resolved_at", "created_at")
        },
    }


@api.get("", responses={"200": AlertPage, **problems()})
@require(READ)
def list_alerts(query: AlertFilter) -> Response:
    """List alerts, newest first."""
    with transaction() as session:
        found = alerts.list_alerts(
            session,
            state=query.state,
            kind=query.type,
            budget_id=query.budget_id,
            limit=query.limit,
            cursor=query.cursor,
        )
    return jsonify(data=[wire(row.Alert) for row in found.rows], next_cursor=found.next_cursor)


@api.post("/<alert_id>/acknowledge", responses={"200": AlertOut, **problems(400, 404, 409)})
@require(SPEND)
def acknowledge_alert(path: AlertPath) -> Response:
    """Note that somebody has seen it."""
    return _change(alerts.acknowledge, path.alert_id)


@api.post("/<alert_id>/resolve", responses={"200": AlertOut, **problems(400, 404, 409)})
@require(SPEND)
def resolve_alert(path: AlertPath) -> Response:
    """Close it."""
    return _change(alerts.resolve, path.alert_id)


def _change(change: Any, alert_id: UUID) -> Response:
    def work(session: Session) -> idempotency.Answer:
        alert = change(session, alert_id, principal().actor)
        session.refresh(alert)
        return idempotency.Answer(200, wire(alert))

    return idempotency.once(work, None)
