"""Transfers that were asked for: approve of them, refuse them, or take one's own back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from bursar.budgets import balances, transfers
from bursar.errors import BursarError, NotFound
from bursar.members import names_of
from web.auth import APPROVE, READ, principal, require, transaction
from web.pages import forms
from web.problems import status_of

blueprint = Blueprint("transfer_pages", __name__, url_prefix="/transfers")
_ROWS = 25
STATES = {
    "pending": ("Waits for a word", "warn", "triangle"),
    "approved": ("Approved", "good", "check"),
    "rejected": ("Refused", "calm", "dash"),
}


@blueprint.get("")
@require(READ)
def index() -> Any:
    """Transfers that were asked for, newest first."""
    return _index()


@blueprint.post("/<uuid:request_id>/approve")
@require(APPROVE)
def approve(request_id: UUID) -> Any:
    """Approve of a transfer that somebody else asked for, and make it."""
    return _decided(request_id, transfers.approve, "approved, and the money has moved")


@blueprint.post("/<uuid:request_id>/reject")
@require(APPROVE)
def reject(request_id: UUID) -> Any:
    """Refuse a transfer, or take one's own request back."""
    return _decided(request_id, transfers.reject, "refused; nothing has moved")


def _decided(request_id: UUID, decide: Callable[..., Any], said: str) -> Any:
    who = principal()
    try:
        reason = forms.written("reason", "A reason", most=500, required=False)
        with transaction() as session:
            decide(session, who.tenant_id, request_id, who.actor, reason)
    except NotFound:
        raise
    except BursarError as refusal:
        return _index(refusal)
    flash(f"The transfer is {said}.")
    return redirect(url_for("transfer_pages.index"), 303)


def _index(refusal: BursarError | None = None) -> Any:
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    with transaction() as session:
        found = transfers.list_requests(
            session, state=state or None, limit=_ROWS, cursor=request.args.get("cursor") or None
        )
        budgets = balances.names_of(
            session, {one for row in found.rows for one in (row.giving_id, row.taking_id)}
        )
        names = names_of(
            session, {who for row in found.rows for who in (row.requested_by, row.decided_by)}
        )
    body = render_template(
        "transfers.html", found=found, budgets=budgets, names=names, states=STATES, state=state,
        refusal=refusal,
    )  # fmt: skip
    return body, status_of(refusal) if refusal else 200
