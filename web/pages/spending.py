"""Using a budget by hand: set money aside, spend it, add some, or move it to another budget."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from bursar.budgets import balances
from bursar.errors import BursarError, InsufficientFunds, NotFound
from bursar.ledger.answers import Retry
from web.auth import FUND, SPEND, require, transaction
from web.pages import forms
from web.pages.ways_to_spend import WAYS
from web.problems import status_of

blueprint = Blueprint("spending", __name__, url_prefix="/budgets")
_CHOICES = 60


@blueprint.get("/<uuid:budget_id>/reserve")
@require(SPEND)
def ask_reserve(budget_id: UUID) -> Any:
    """The form that sets money aside."""
    return _form("reserve", budget_id)


@blueprint.post("/<uuid:budget_id>/reserve")
@require(SPEND)
def reserve(budget_id: UUID) -> Any:
    """Set money aside under a reference."""
    return _post("reserve", budget_id)


@blueprint.get("/<uuid:budget_id>/charge")
@require(SPEND)
def ask_charge(budget_id: UUID) -> Any:
    """The form that spends without a reservation."""
    return _form("charge", budget_id)


@blueprint.post("/<uuid:budget_id>/charge")
@require(SPEND)
def charge(budget_id: UUID) -> Any:
    """Spend without a reservation."""
    return _post("charge", budget_id)


@blueprint.get("/<uuid:budget_id>/topup")
@require(FUND)
def ask_topup(budget_id: UUID) -> Any:
    """The form that adds money."""
    return _form("topup", budget_id)


@blueprint.post("/<uuid:budget_id>/topup")
@require(FUND)
def topup(budget_id: UUID) -> Any:
    """Add money to the budget."""
    return _post("topup", budget_id)


@blueprint.get("/<uuid:budget_id>/transfer")
@require(FUND)
def ask_transfer(budget_id: UUID) -> Any:
    """The form that moves money to another budget."""
    return _form("transfer", budget_id)


@blueprint.post("/<uuid:budget_id>/transfer")
@require(FUND)
def transfer(budget_id: UUID) -> Any:
    """Move money to another budget, or ask for it where a rule wants somebody else's word."""
    return _post("transfer", budget_id)


def _post(name: str, budget_id: UUID) -> Any:
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
    # Named by the form, so that a form that is sent twice posts once.
    once = forms.written("once", "The name of this form", most=64)
    retry = Retry.of(once, request.path, forms.typed() | {"csrf_token": ""})
    try:
        flash(WAYS[name].post(budget, retry))
    except NotFound:
        raise
    except BursarError as refusal:
        return _form(name, budget_id, refusal)
    return redirect(url_for("budget_pages.show", budget_id=budget_id), 303)


def _form(name: str, budget_id: UUID, refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        budget = balances.get_balance(session, budget_id)
        departments, codes = balances.filter_values(session, _CHOICES)
    typed = {"fiscal_period": budget.fiscal_period} | forms.typed()
    body = render_template(
        "budget_spend.html", budget=budget, name=name, way=WAYS[name], typed=typed,
        wrong=forms.wrong(refusal), refusal=refusal, once=uuid4().hex,
        departments=departments, periods=codes, short=isinstance(refusal, InsufficientFunds),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
