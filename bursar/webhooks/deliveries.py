"""Sending events, by the rules of Standard Webhooks (standardwebhooks.com): signed, and again until
they are taken.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import requests
import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from bursar import __version__, alerts
from bursar.database import Database
from bursar.errors import BursarError, NotFound
from bursar.network import CONNECT_SECONDS
from bursar.outgoing import judge
from bursar.webhooks.endpoints import read_secrets
from schema.tables import WebhookDelivery, WebhookEndpoint

log = structlog.get_logger("bursar.webhooks")

# Pauses after each attempt that failed; when they are used up the delivery is dead.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
ANSWER_SECONDS = 15.0
_SENDING = timedelta(seconds=60)  # a sender that died is followed by another after this
_GONE = 410
_SWITCHED_OFF: tuple[int | None, str | None] = (None, "The endpoint is switched off.")

_FAN_OUT = text(
    """
    insert into webhook_delivery (tenant_id, endpoint_id, event_id, event, payload)
    select e.tenant_id, e.id, :event_id, :event, cast(:payload as jsonb) from webhook_endpoint e
     where e.tenant_id = :tenant and e.is_active and e.deleted_at is null
       and (e.events = '{}' or :event = any (e.events))
    on conflict do nothing
    """
)
_CLAIM = text(
    """
    update webhook_delivery set attempts = attempts + 1, next_attempt_at = now() + :sending
     where tenant_id = :tenant and id = :id and state = 'pending' and next_attempt_at <= now()
    returning id
    """
)


def fan_out(
    session: Session, tenant_id: UUID, event_id: UUID, event: str, payload: dict[str, Any]
) -> None:
    """Write down a delivery for each endpoint that wants this event."""
    session.execute(
        _FAN_OUT,
        {
            "tenant": tenant_id, "event_id": event_id, "event": event,
            "payload": json.dumps(payload, default=str),
        },
    )  # fmt: skip


def due_deliveries(session: Session, limit: int = 500) -> list[UUID]:
    """Deliveries of this tenant whose next attempt is due."""
    query = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.state == "pending", text("next_attempt_at <= now()"))
        .order_by(WebhookDelivery.next_attempt_at)
        .limit(limit)
    )
    return list(session.execute(query).scalars())


def deliver(database: Database, tenant_id: UUID, delivery_id: UUID) -> str:
    """Send one delivery if it is due; its state afterwards. Nothing is locked meanwhile."""
    with database.transaction(tenant_id, "webhooks") as session:
        claimed = session.execute(
            _CLAIM, {"tenant": tenant_id, "id": delivery_id, "sending": _SENDING}
        ).first()
        if claimed is None:
            return "not_due"
        delivery = session.get_one(WebhookDelivery, (tenant_id, delivery_id))
        endpoint = session.get_one(WebhookEndpoint, (tenant_id, delivery.endpoint_id))
    if endpoint.deleted_at is not None or not endpoint.is_active:
        status, trouble = _SWITCHED_OFF
    else:
        status, trouble = _send(endpoint, delivery)
    with database.transaction(tenant_id, "webhooks") as session:
        delivery = session.get_one(WebhookDelivery, (tenant_id, delivery_id), with_for_update=True)
        delivery.last_status, delivery.last_error = status, trouble
        _conclude(session, delivery, endpoint, status, trouble)
        return delivery.state


def redeliver(session: Session, delivery_id: UUID) -> WebhookDelivery:
    """Send a delivery again from the start, with its old id. Raises NotFound."""
    delivery = session.execute(
        select(WebhookDelivery).where(WebhookDelivery.id == delivery_id).with_for_update()
    ).scalar_one_or_none()
    if delivery is None:
        raise NotFound("There is no such delivery.")
    delivery.state, delivery.attempts, delivery.delivered_at = "pending", 0, None
    delivery.next_attempt_at = session.execute(text("select now()")).scalar_one()
    session.flush()
    return delivery


def note_test(session: Session, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Write down a `webhook.test` event for one endpoint, to be sent at once."""
    made = WebhookDelivery(
        tenant_id=endpoint.tenant_id, endpoint_id=endpoint.id, event_id=uuid4(),
        event="webhook.test",
        payload={"event": "webhook.test", "customerId": str(endpoint.tenant_id)},
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.refresh(made)
    return made


def _send(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> tuple[int | None, str | None]:
    """The status of the answer, and what is wrong with it."""
    body = json.dumps(delivery.payload, separators=(",", ":"), ensure_ascii=False)
    try:
        headers = _headers(endpoint, str(delivery.event_id), body)
        with judge(requests.Session()) as session:
            answer = session.post(
                endpoint.url, data=body.encode(), headers=headers, allow_redirects=False,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS), stream=True,
            )  # fmt: skip
            answer.close()
    except BursarError as error:
        return None, error.detail
    except requests.Timeout:
        return None, f"No answer came within {ANSWER_SECONDS:g} seconds."
    except requests.RequestException as error:
        return None, f"The connection broke off: {type(error).__name__}."
    if 200 <= answer.status_code < 300:
        return answer.status_code, None
    return answer.status_code, f"The answer was {answer.status_code}, not one of 200 to 299."


def _headers(endpoint: WebhookEndpoint, event_id: str, body: str) -> dict[str, str]:
    now = datetime.now(UTC)
    keys = read_secrets(endpoint)
    if endpoint.old_until is None or endpoint.old_until < now:
        keys = keys[:1]
    return {
        "Content-Type": "application/json",
        "User-Agent": f"Bursar/{__version__}",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(key).sign(event_id, now, body) for key in keys),
    }


def _conclude(
    session: Session, delivery: WebhookDelivery, endpoint: WebhookEndpoint,
    status: int | None, trouble: str | None,
) -> None:  # fmt: skip
    now: datetime = session.execute(text("select now()")).scalar_one()
    key = f"webhook_failing:{endpoint.id}"
    if trouble is None:
        delivery.state, delivery.delivered_at = "delivered", now
        alerts.resolve_key(session, delivery.tenant_id, key, "system")
        return
    if status == _GONE:
        session.get_one(WebhookEndpoint, (endpoint.tenant_id, endpoint.id)).is_active = False
    if status == _GONE or delivery.attempts > len(PAUSES) or not endpoint.is_active:
        delivery.state = "dead"
        alerts.raise_alert(
            session, delivery.tenant_id, "webhook_failing", "warning",
            f"Events for {endpoint.url} could not be delivered: {trouble}",
            {"endpoint_id": str(endpoint.id), "delivery_id": str(delivery.id)}, key, tell=False,
        )  # fmt: skip
        return
    delivery.next_attempt_at = now + PAUSES[delivery.attempts - 1]
