"""How a budget is controlled: what happens at its limit, when it warns, and what is above it."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, url_for

from bursar.budgets import balances, control
from bursar.errors import BursarError, NotFound, VersionStale
from bursar.money import parse_amount, to_wire
from web.auth import FUND, principal, require, transaction
from web.pages import forms
from web.problems import status_of

blueprint = Blueprint("budget_control", __name__, url_prefix="/budgets")
LEVELS = {
    "absolute": "More than there is is refused",
    "advisory": "More than there is is noted, and goes through",
    "none": "Nothing is limited",
}
# Field → what the balance calls it.
_PERCENTS = {
    "soft_cap_percent": "soft_cap_pct",
    "approach_percent": "approach_pct",
    "tolerance_percent": "tolerance_pct",
}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HIGHEST = 10_000


@blueprint.get("/<uuid:budget_id>/control")
@require(FUND)
def ask(budget_id: UUID) -> Any:
    """The form with how it is controlled now."""
    return _form(budget_id)


@blueprint.post("/<uuid:budget_id>/control")
@require(FUND)
def save(budget_id: UUID) -> Any:
    """Control it so from now on."""
    try:
        with transaction() as session:
            budget = balances.get_balance(session, budget_id)
            control.change_control(
                session, principal().tenant_id, budget_id, forms.version(), _changes(budget)
            )
    except NotFound as missing:
        if "parent" not in missing.detail:
            raise
        return _form(budget_id, forms.refused("parent", "unknown_budget", missing.detail))
    except BursarError as refusal:
        return _form(budget_id, refusal)
    flash("The budget is controlled so from now on.")
    return redirect(url_for("budget_pages.show", budget_id=budget_id), 303)


def _changes(budget: Any) -> dict[str, Any]:
    """What the form says, as `change_control` takes it. Raises InvalidInput, InvalidAmount."""
    level = forms.written("control_mode", "A level", most=20)
    if level not in LEVELS:
        raise forms.refused("control_mode", "unknown_level", "Choose one of the list.")
    cap = forms.written("amount", "A cap", most=40, required=False)
    above = forms.written("parent", "A budget", most=500, required=False)
    found = _ID.findall(above)
    if above and not found:
        words = "Copy the address of the page of the budget above from the browser."
        raise forms.refused("parent", "unknown_budget", words)
    return {
        "control_mode": level,
        **{column: _percent(name) for name, column in _PERCENTS.items()},
        "hard_cap_amount": parse_amount(forms.amount(), budget.currency) if cap else None,
        "parent_id": UUID(found[-1]) if found else None,
    }


def _percent(name: str) -> Decimal:
    text = forms.written(name, "A percentage", most=12)
    try:
        percent = Decimal(text) if re.fullmatch(r"[0-9]+(\.[0-9]{1,4})?", text) else None
    except InvalidOperation:
        percent = None
    if percent is None or percent > _HIGHEST:
        words = f"Write a number from 0 to {_HIGHEST:,}, such as 80 or 92.5."
        raise forms.refused(name, "out_of_range", words)
    return percent


def _form(budget_id: UUID, refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
    stale = isinstance(refusal, VersionStale)
    kept = {
        "control_mode": budget.control_mode,
        **{name: f"{getattr(budget, col).normalize():f}" for name, col in _PERCENTS.items()},
        "amount": None if budget.hard_cap_amount is None
        else to_wire(budget.hard_cap_amount, budget.currency),
        "parent": budget.parent_id and url_for(
            "budget_pages.show", budget_id=budget.parent_id, _external=True
        ),
    }  # fmt: skip
    now = {name: str(value) for name, value in kept.items() if value is not None}
    body = render_template(
        "budget_control.html", budget=budget, levels=LEVELS.items(), refusal=refusal,
        typed=now if refusal is None else forms.typed(), wrong=forms.wrong(refusal),
        version=budget.row_version if refusal is None or stale else forms.version(), stale=stale,
        now=now,
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
