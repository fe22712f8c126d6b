"""Webhooks: who is told of events, by the rules of Standard Webhooks."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import func
from sqlalchemy.orm import Session

from bursar.webhooks import deliveries, endpoints
from schema.tables import WebhookDelivery, WebhookEndpoint
from tasks.webhooks import ring_delivery
from web import idempotency
from web.api.wire import ListQuery, Model, Out, problems, time_text
from web.auth import OPERATE, READ, principal, require, transaction
from web.versions import etag, required_version

api = APIBlueprint(
    "webhooks", __name__, url_prefix="/api/v1/webhooks", abp_tags=[Tag(name="Webhooks")]
)

Url = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]
Words = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Event = Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z.]*$")]


class WebhookIn(Model):
    """A new endpoint; without `events` it hears of all."""

    url: Url
    events: list[Event] = Field(default_factory=list, max_length=20)
    description: Words = ""


class WebhookChange(Model):
    """What to change."""

    url: Url | None = None
    events: list[Event] | None = Field(None, max_length=20)
    description: Words | None = None
    is_active: bool | None = None


class WebhookOut(Out):
    """An endpoint. Its secret is there only in the answer that made it."""

    id: UUID
    url: str
    events: list[str]
    description: str
    is_active: bool
    secret: str | None = None
    old_secret_until: str | None
    version: int
    created_by: str
    created_at: str


class WebhookPage(Out):
    """A page of endpoints."""

    data: list[WebhookOut]
    next_cursor: str | None


class DeliveryOut(Out):
    """One event for one endpoint; `event_id` is the `webhook-id` of every attempt."""

    id: UUID
    event_id: UUID
    event: str
    payload: dict[str, Any]
    state: Literal["pending", "delivered", "dead"]
    attempts: int
    next_attempt_at: str | None
    last_status: int | None
    last_error: str | None
    delivered_at: str | None
    created_at: str


class DeliveryPage(Out):
    """A page of deliveries."""

    data: list[DeliveryOut]
    next_cursor: str | None


class WebhookPath(BaseModel):
    """Which endpoint."""

    webhook_id: UUID


class DeliveryPath(BaseModel):
    """Which delivery."""

    delivery_id: UUID


@api.get("", responses={"200": WebhookPage, **problems()})
@require(READ)
def list_webhooks(query: ListQuery) -> Response:
    """List endpoints, newest first."""
    with transaction() as session:
        found = endpoints.list_endpoints(session, limit=query.limit, cursor=query.cursor)
        data = [_wire(row.WebhookEndpoint) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post("", responses={"201": WebhookOut, **problems(400, 409)})
@require(OPERATE)
def create_webhook(body: WebhookIn) -> Response:
    """Make an endpoint. Its signing secret is in this answer and never shown again."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        made, secret = endpoints.create_endpoint(
            session, who.tenant_id, body.url, body.events, body.description, who.actor
        )
        session.refresh(made)
        headers = {"Location": f"/api/v1/webhooks/{made.id}", **etag(made.row_version)}
        shown = {**_wire(made), "secret": secret}
        return idempotency.Answer(201, shown, headers, kept={**shown, "secret": None})

    return idempotency.once(work, body.model_dump(mode="json"))


@api.get("/<webhook_id>", responses={"200": WebhookOut, **problems(404)})
@require(READ)
def get_webhook(path: WebhookPath) -> Response:
    """Read an endpoint."""
    with transaction() as session:
        found = endpoints.get_endpoint(session, path.webhook_id)
        return make_response(jsonify(_wire(found)), 200, etag(found.row_version))


@api.patch("/<webhook_id>", responses={"200": WebhookOut, **problems(404, 412, 428)})
@require(OPERATE)
def change_webhook(path: WebhookPath, body: WebhookChange) -> Response:
    """Change an endpoint, or switch it off and on."""
    version = required_version()
    with transaction() as session:
        found = endpoints.get_endpoint(session, path.webhook_id, lock=True)
        changes = body.model_dump(exclude_unset=True, exclude_none=True)
        endpoints.change_endpoint(session, found, version, changes)
        session.refresh(found)
        return make_response(jsonify(_wire(found)), 200, etag(found.row_version))


@api.delete("/<webhook_id>", responses={"204": None, **problems(404)})
@require(OPERATE)
def delete_webhook(path: WebhookPath) -> Response:
    """Take an endpoint away; what still waits for it is given up."""
    with transaction() as session:
        found = endpoints.get_endpoint(session, path.webhook_id, lock=True)
        found.deleted_at, found.is_active = func.now(), False
    return make_response("", 204)


@api.post("/<webhook_id>/rotate", responses={"200": WebhookOut, **problems(400, 404, 409)})
@require(OPERATE)
def rotate_webhook_secret(path: WebhookPath) -> Response:
    """A new signing secret; for a day messages carry a signature of the old one too."""

    def work(session: Session) -> idempotency.Answer:
        found = endpoints.get_endpoint(session, path.webhook_id, lock=True)
        secret = endpoints.rotate_secret(session, found)
        session.refresh(found)
        shown = {**_wire(found), "secret": secret}
        return idempotency.Answer(200, shown, kept={**shown, "secret": None})

    return idempotency.once(work, {"webhook_id": str(path.webhook_id)})


@api.post("/<webhook_id>/test", responses={"202": DeliveryOut, **problems(400, 404, 409)})
@require(OPERATE)
def try_webhook(path: WebhookPath) -> Response:
    """Send a `webhook.test` event; its delivery tells how it went."""

    def work(session: Session) -> idempotency.Answer:
        found = endpoints.get_endpoint(session, path.webhook_id)
        return _ringing(deliveries.note_test(session, found))

    return idempotency.once(work, {"webhook_id": str(path.webhook_id)})


@api.get("/<webhook_id>/deliveries", responses={"200": DeliveryPage, **problems(404)})
@require(READ)
def list_deliveries(path: WebhookPath, query: ListQuery) -> Response:
    """List what an endpoint was sent, newest first."""
    with transaction() as session:
        endpoints.get_endpoint(session, path.webhook_id)
        found = endpoints.list_deliveries(
            session, path.webhook_id, limit=query.limit, cursor=query.cursor
        )
        data = [_delivery_wire(row.WebhookDelivery) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post(
    "/deliveries/<delivery_id>/redeliver", responses={"202": DeliveryOut, **problems(400, 404, 409)}
)
@require(OPERATE)
def redeliver(path: DeliveryPath) -> Response:
    """Send a delivery again from the start, with its old id."""

    def work(session: Session) -> idempotency.Answer:
        found = deliveries.redeliver(session, path.delivery_id)
        session.refresh(found)
        return _ringing(found)

    return idempotency.once(work, {"delivery_id": str(path.delivery_id)})


def _ringing(delivery: WebhookDelivery) -> idempotency.Answer:
    tenant_id, delivery_id = delivery.tenant_id, delivery.id
    return idempotency.Answer(
        202, _delivery_wire(delivery), after_commit=lambda: ring_delivery(tenant_id, delivery_id)
    )


def _wire(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "is_active": endpoint.is_active,
        "old_secret_until": time_text(endpoint.old_until),
        "version": endpoint.row_version,
        "created_by": endpoint.created_by,
        "created_at": time_text(endpoint.created_at),
    }


def _delivery_wire(delivery: WebhookDelivery) -> dict[str, Any]:
    plain = ("event", "payload", "state", "attempts", "last_status", "last_error")
    waits = delivery.state == "pending"
    return {
        "id": str(delivery.id),
        "event_id": str(delivery.event_id),
        **{name: getattr(delivery, name) for name in plain},
        "next_attempt_at": time_text(delivery.next_attempt_at) if waits else None,
        "delivered_at": time_text(delivery.delivered_at),
        "created_at": time_text(delivery.created_at),
    }
