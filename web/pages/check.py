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

blueprint = Blueprint("check_pages", __name__, url_prefix="/check")
FIELDS = ("department", "sub_category", "fiscal_period", "amount", "currency")
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
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    try:
        return _page(typed, found=_check(typed))
    except BursarError as refusal:
        return make_response(_page(typed, refusal=refusal), 422)


def _check(typed: dict[str, str]) -> availability.Check:
    who = principal()
    currency = typed["currency"].upper() or None
    text = typed["amount"].replace(",", "").replace("\u00a0", "")
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
    return render_template(
        "check.html", typed=typed, found=found, refusal=refusal,
        departments=departments, periods=codes,
    )  # fmt: skip
