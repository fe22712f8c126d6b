"""Webhooks: who is told of events, and how each telling went."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import func

from bursar.errors import InvalidInput
from bursar.webhooks import deliveries, endpoints
from bursar.webhooks.endpoints import EVENTS
from tasks.webhooks import ring_delivery
from web.auth import OPERATE, principal, require, transaction

blueprint = Blueprint("webhook_pages", __name__, url_prefix="/webhooks")


@blueprint.get("")
@require(OPERATE)
def index() -> Any:
    """All endpoints, and a form for another one."""
    return _index()


@blueprint.post("")
@require(OPERATE)
def create() -> Any:
    """Make an endpoint; its secret is shown on the page that follows, and only there."""
    who = principal()
    events = [event for event in request.form.getlist("events") if event in EVENTS]
    url = request.form.get("url", "").strip()
    words = request.form.get("description", "").replace("\0", "").strip()[:200]
    try:
        with transaction() as session:
            made, secret = endpoints.create_endpoint(
                session, who.tenant_id, url, events, words, who.actor
            )
    except InvalidInput as refusal:
        return _index(refusal)
    return _page(made.id, secret)


@blueprint.get("/<uuid:webhook_id>")
@require(OPERATE)
def show(webhook_id: UUID) -> Any:
    """One endpoint and what it was sent."""
    return _page(webhook_id)


@blueprint.post("/<uuid:webhook_id>/rotate")
@require(OPERATE)
def rotate(webhook_id: UUID) -> Any:
    """A new secret, shown once; the old one signs too for a day."""
    with transaction() as session:
        found = endpoints.get_endpoint(session, webhook_id, lock=True)
        secret = endpoints.rotate_secret(session, found)
    return _page(webhook_id, secret)


@blueprint.post("/<uuid:webhook_id>/test")
@require(OPERATE)
def test(webhook_id: UUID) -> Any:
    """Send a test event; its delivery tells how it went."""
    with transaction() as session:
        endpoint = endpoints.get_endpoint(session, webhook_id)
        sent = deliveries.note_test(session, endpoint)
    ring_delivery(sent.tenant_id, sent.id)
    flash("A test event is on its way. Reload the page to see how it went.")
    return redirect(url_for("webhook_pages.show", webhook_id=webhook_id), 303)


@blueprint.post("/<uuid:webhook_id>/off")
@blueprint.post("/<uuid:webhook_id>/on", endpoint="switch_on")
@require(OPERATE)
def switch_off(webhook_id: UUID) -> Any:
    """Stop telling an endpoint, or tell it again."""
    active = request.endpoint == "webhook_pages.switch_on"
    with transaction() as session:
        endpoints.get_endpoint(session, webhook_id, lock=True).is_active = active
    flash("It hears of events again." if active else "It hears of nothing more.")
    return redirect(url_for("webhook_pages.show", webhook_id=webhook_id), 303)


@blueprint.post("/<uuid:webhook_id>/delete")
@require(OPERATE)
def delete(webhook_id: UUID) -> Any:
    """Take an endpoint away."""
    with transaction() as session:
        found = endpoints.get_endpoint(session, webhook_id, lock=True)
        found.deleted_at, found.is_active = func.now(), False
    flash("The webhook is gone.")
    return redirect(url_for("webhook_pages.index"), 303)


@blueprint.post("/deliveries/<uuid:delivery_id>/redeliver")
@require(OPERATE)
def redeliver(delivery_id: UUID) -> Any:
    """Send a delivery again."""
    with transaction() as session:
        found = deliveries.redeliver(session, delivery_id)
        tenant_id, webhook_id = found.tenant_id, found.endpoint_id
    ring_delivery(tenant_id, delivery_id)
    flash("It is sent again.")
    return redirect(url_for("webhook_pages.show", webhook_id=webhook_id), 303)


def _index(refusal: InvalidInput | None = None) -> Any:
    with transaction() as session:
        found = endpoints.list_endpoints(
            session, limit=25, cursor=request.args.get("cursor") or None
        )
    body = render_template("webhooks.html", found=found, events=EVENTS, refusal=refusal)
    return make_response(body, 422 if refusal else 200)


def _page(webhook_id: UUID, secret: str = "") -> Any:
    with transaction() as session:
        endpoint = endpoints.get_endpoint(session, webhook_id)
        sent = endpoints.list_deliveries(
            session, webhook_id, limit=25, cursor=request.args.get("cursor") or None
        )
    return render_template("webhook.html", endpoint=endpoint, sent=sent, secret=secret)
