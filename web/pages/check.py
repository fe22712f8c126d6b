"""Can we spend this? The check, asked and answered on a page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, render_template, request

from bursar import metrics, periods
from bursar.budgets import balances
from bursar.database import database
from bursar.errors import BursarError
from bursar.ledger import availability
from bursar.money import positive_amount, positive_decimal
from web.auth import CHECK, principal, require, transaction
from web.pages import forms
from web.problems import status_of

blueprint = Blueprint("check_pages", __name__, url_prefix="/check")
# Field → its label, the most characters it has, and whether it is needed.
FIELDS = {
    "department": ("Department", 500, True),
    "sub_category": ("Sub-category", 500, False),
    "fiscal_period": ("Fiscal period", 60, True),
    "amount": ("Amount", 40, True),
    "currency": ("Currency", 3, False),
}
_CHOICES = 60  # departments and periods that are offered


@blueprint.get("")
@require(CHECK)
def ask() -> Any:
    """The question, empty or as an address has it."""
    return _page({name: request.args.get(name, "") for name in FIELDS})


@blueprint.post("")
@require(CHECK)
def answer() -> Any:
    """The question with its answer; the decision is kept, and nothing is reserved."""
    try:
        typed = {
            name: forms.written(name, label, most=most, required=required)
            for name, (label, most, required) in FIELDS.items()
        }
        return _page(typed, found=_check(typed))
    except BursarError as refusal:
        return make_response(_page(forms.typed(), refusal=refusal), status_of(refusal))


def _check(typed: dict[str, str]) -> availability.Check:
    who = principal()
    currency = typed["currency"].upper() or None
    text = forms.amount()
    amount = positive_amount(text, currency) if currency else positive_decimal(text)
    start = periods.fiscal_start(database(), who.tenant_id)
    with metrics.timed_check() as seen:
        found = availability.check(
            database(),
            who.tenant_id,
            department=typed["department"],
            sub_category=typed["sub_category"] or None,
            fiscal_period=periods.require_code(typed["fiscal_period"], start),
            amount=amount,
            currency=currency,
            actor=who.actor,
        )
        seen.decision = found.decision
    return found


def _page(
    typed: dict[str, str],
    found: availability.Check | None = None,
    refusal: BursarError | None = None,
) -> str:
    with transaction() as session:
        departments, codes = balances.filter_values(session, _CHOICES)
    if request.method == "GET" and codes:
        typed = {"fiscal_period": codes[-1], **{name: text for name, text in typed.items() if text}}
    return render_template(
        "check.html", typed=typed, found=found, refusal=refusal,
        departments=departments, periods=codes, wrong=forms.wrong(refusal),
    )  # fmt: skip
