"""Changing a budget by hand; who comes second is told, and loses nothing of what was typed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from bursar.budgets import balances, editing
from bursar.errors import BelowUsed, BursarError, VersionStale
from bursar.money import parse_amount, to_wire
from web.api.reservations_wire import may_override
from web.auth import EDIT, principal, require, transaction
from web.pages.going import whole_number

blueprint = Blueprint("budget_edit", __name__, url_prefix="/budgets")
STATUSES = ("planned", "active", "frozen", "finalized", "archived")
_WORDS = {
    "name": "Name", "owner": "Owner", "external_ref": "Reference", "status": "Status",
    "budgeted_amount": "Budgeted amount", "notes": "Notes",
}  # fmt: skip


@blueprint.get("/<uuid:budget_id>/edit")
@require(EDIT)
def ask(budget_id: UUID) -> Any:
    """The form with what the budget says now."""
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
    return _form(budget, _of(budget))


@blueprint.post("/<uuid:budget_id>/edit")
@require(EDIT)
def save(budget_id: UUID) -> Any:
    """Save it, or show again what was typed with what stands in the way."""
    typed = {name: request.form.get(name, "").strip() for name in _WORDS}
    who = principal()
    try:
        override = may_override(request.form.get("override", "").strip() or None)
        with transaction() as session:
            now = _of(balances.get_balance(session, budget_id))
            editing.edit_budget(
                session, who.tenant_id, budget_id, whole_number(request.form.get("version")),
                _changes(session, budget_id, typed, now), who.actor, override,
            )  # fmt: skip
    except BursarError as refusal:
        with transaction() as session:
            budget = balances.get_balance(session, budget_id)
        return _form(budget, typed, refusal)
    flash("The budget is changed.")
    return redirect(url_for("budget_pages.show", budget_id=budget_id), 303)


def _changes(
    session: Any, budget_id: UUID, typed: dict[str, str], now: dict[str, str]
) -> dict[str, Any]:
    """What differs from how it stands. Raises InvalidAmount."""
    changes: dict[str, Any] = {
        name: text or None
        for name, text in typed.items()
        if name != "budgeted_amount" and text != now[name]
    }
    amount = typed["budgeted_amount"].replace(",", "").replace("\u00a0", "")
    currency = balances.get_balance(session, budget_id).currency
    read = parse_amount(amount, currency)
    if read != Decimal(now["budgeted_amount"]):
        changes["amount"] = read
    return changes


def _of(budget: Any) -> dict[str, str]:
    """What the fields of the form hold for a budget as it stands."""
    texts = {name: getattr(budget, name) or "" for name in _WORDS if name != "budgeted_amount"}
    return texts | {"budgeted_amount": to_wire(budget.authorized, budget.currency)}


def _form(budget: Any, typed: dict[str, str], refusal: BursarError | None = None) -> Any:
    stale = isinstance(refusal, VersionStale)
    now = _of(budget)
    theirs = {name: text for name, text in now.items() if stale and text != typed[name]}
    alone = "HX-Request" in request.headers and refusal is None
    body = render_template(
        "_budget_edit.html" if alone else "budget_edit.html",
        budget=budget, typed=typed, words=_WORDS, statuses=STATUSES, refusal=refusal,
        stale=stale, theirs=theirs, below=isinstance(refusal, BelowUsed),
    )  # fmt: skip
    return make_response(body, 200 if refusal is None else 409 if stale else 422)
