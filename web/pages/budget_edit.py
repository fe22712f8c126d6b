"""Changing a budget by hand; who comes second is told, and loses nothing of what was typed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, url_for

from bursar.budgets import balances, editing
from bursar.errors import BelowUsed, BursarError, NotFound, VersionStale
from bursar.money import parse_amount, to_wire
from web.auth import EDIT, principal, require, transaction
from web.pages import forms
from web.pages.drawing import planned_of
from web.problems import status_of

blueprint = Blueprint("budget_edit", __name__, url_prefix="/budgets")
# Field → its label, the most characters it has, and whether it is needed.
_FIELDS = {
    "name": ("Name", 500, True),
    "owner": ("Owner", 500, False),
    "external_ref": ("Reference", 500, False),
    "status": ("Status", 20, True),
    "amount": ("Budgeted amount", 40, True),
    "notes": ("Notes", 5000, False),
}
_STATUSES = [(name, planned_of(name)[0]) for name in editing.STATUSES]
_WAS = "was_"  # begins the hidden field that keeps what a field said when the form was drawn


@blueprint.get("/<uuid:budget_id>/edit")
@require(EDIT)
def ask(budget_id: UUID) -> Any:
    """The form with what the budget says now."""
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
    return _form(budget)


@blueprint.post("/<uuid:budget_id>/edit")
@require(EDIT)
def save(budget_id: UUID) -> Any:
    """Save it, or show again what was typed with what stands in the way."""
    who = principal()
    try:
        override = forms.override()
        with transaction() as session:
            editing.lock_balances(session, who.tenant_id, budget_id)
            budget = balances.get_balance(session, budget_id)
            changes = _changes(budget, _typed(budget.currency))
            editing.edit_budget(
                session, who.tenant_id, budget_id, forms.version(), changes, who.actor, override
            )
    except NotFound:
        raise
    except BursarError as refusal:
        with transaction() as session:
            budget = balances.get_balance(session, budget_id)
        return _form(budget, refusal)
    flash("The budget is changed.")
    return redirect(url_for("budget_pages.show", budget_id=budget_id), 303)


def _typed(currency: str) -> dict[str, str]:
    """What was typed, the amount in its usual form. Raises InvalidInput, InvalidAmount."""
    typed = {
        name: forms.written(name, label, most=most, required=required)
        for name, (label, most, required) in _FIELDS.items()
    }
    amount = parse_amount(forms.amount(), currency)
    return typed | {"amount": to_wire(amount, currency)}


def _changes(budget: Any, typed: dict[str, str]) -> dict[str, Any]:
    """What was typed and differs from how it stands, as `edit_budget` takes it.

    Postings move the amount without making a new version of the budget: one that was left alone
    stays as it is now, and one that both have changed raises VersionStale.
    """
    now = _of(budget)
    was = _was(now)
    changes: dict[str, Any] = {
        name: text or None for name, text in typed.items() if text not in (now[name], was[name])
    }
    if "amount" in changes:
        if was["amount"] != now["amount"]:
            raise VersionStale
        changes["amount"] = parse_amount(typed["amount"], budget.currency)
    return changes


def _of(budget: Any) -> dict[str, str]:
    """What the fields of the form hold for a budget as it stands."""
    texts = {name: getattr(budget, name) or "" for name in _FIELDS if name != "amount"}
    return texts | {"amount": to_wire(budget.authorized, budget.currency)}


def _was(now: dict[str, str]) -> dict[str, str]:
    """What the fields said when the form was drawn."""
    typed = forms.typed()
    return {name: typed.get(_WAS + name, now[name]) for name in _FIELDS}


def _form(budget: Any, refusal: BursarError | None = None) -> Any:
    """The form; a stale one takes over what only the other has changed, and names the rest."""
    now = typed = was = _of(budget)
    version, wrong = budget.row_version, forms.wrong(refusal)
    theirs: list[str] = []
    if refusal is not None:
        typed, was = forms.typed(), _was(now)
        version = forms.version()
    if isinstance(refusal, VersionStale):
        theirs = [_FIELDS[name][0] for name in _FIELDS if now[name] != was[name]]
        typed, wrong = _merged(now, was, _typed(budget.currency), budget.currency)
        was, version = now, budget.row_version
    body = render_template(
        "budget_edit.html",
        budget=budget, typed=typed, wrong=wrong, was=was, version=version, refusal=refusal,
        theirs=theirs, stale=isinstance(refusal, VersionStale), statuses=_STATUSES,
        below=isinstance(refusal, BelowUsed),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)


def _merged(
    now: dict[str, str], was: dict[str, str], typed: dict[str, str], currency: str
) -> tuple[dict[str, str], dict[str, str]]:
    """What the fields say when two have changed them, and which of them both have changed.

    A field that was left alone says what it says now.
    """
    fields, both = {}, {}
    for name, text in typed.items():
        mine = text != was[name]
        fields[name] = text if mine else now[name]
        if mine and now[name] not in (was[name], text):
            both[name] = f"It says now: {now[name] or 'nothing'}"
            if name == "amount":
                both[name] += f" {currency}"
    return fields, both
