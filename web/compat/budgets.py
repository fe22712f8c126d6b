"""Checking a budget, and demonstration data, by the documents' routes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify

from bursar import periods
from bursar.budgets.editing import NewBudget, create_budget
from bursar.config import settings
from bursar.database import database
from bursar.errors import DuplicateBudget, Fault, InvalidInput, NotFound
from bursar.ledger import availability
from bursar.money import positive_amount, positive_decimal
from bursar.tenants import get_tenant
from web.auth import ADMIN, CHECK, principal, require, transaction
from web.compat.wire import body, require_own, text_or_none

blueprint = Blueprint("compat_budgets", __name__)
_DEMO = (
    ("Engineering", "Software", "50000"),
    ("Engineering", "Hardware", "80000"),
    ("Marketing", "Campaigns", "40000"),
    ("Operations", "Facilities", "120000"),
)


@blueprint.post("/api/budget/check")
@require(CHECK)
def check() -> Response:
    """Say whether an amount can be spent."""
    given = body()
    require_own(given)
    who = principal()
    department, period = (_text(given, name) for name in ("department", "fiscalPeriod"))
    currency = text_or_none(given, "currency")
    amount = _amount(given.get("amount"), currency)
    answer = availability.check(
        database(),
        who.tenant_id,
        department=department,
        sub_category=text_or_none(given, "subCategory"),
        fiscal_period=periods.require_code(period, periods.fiscal_start(database(), who.tenant_id)),
        amount=amount,
        currency=currency,
        actor=who.actor,
    )
    return jsonify(
        success=True,
        available=answer.available,
        budget=_budget(answer),
        canAutoApprove=answer.can_auto_approve,
        autoApprovalThreshold=answer.auto_approval_threshold,
        utilizationPercent=answer.utilization_percent,
        reason=answer.reason,
    )


def _budget(answer: availability.Check) -> dict[str, Any] | None:
    """The documents count what is spent as committed too."""
    if answer.budget_id is None or answer.committed is None or answer.spent is None:
        return None
    return {
        "id": str(answer.budget_id),
        "budgetedAmount": answer.authorized,
        "committed": answer.committed + answer.spent,
        "reserved": answer.reserved,
        "available": answer.balance_available,
    }


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(
            f"The field {name} is missing.", faults=[Fault(f"/{name}", "missing", "Send a text.")]
        )
    return value


def _amount(value: Any, currency: str | None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise InvalidInput(
            "The amount is missing.", faults=[Fault("/amount", "missing", "Send a number.")]
        )
    return positive_amount(str(value), currency) if currency else positive_decimal(str(value))


@blueprint.get("/api/seed")
@require(ADMIN)
def seed() -> Response:
    """Budgets to try things with, in the key's own tenant. Not in production."""
    if settings().environment == "production":
        raise NotFound("There is no such page.")
    who = principal()
    made = 0
    for department, sub_category, amount in _DEMO:
        try:
            with transaction() as session:
                new = NewBudget(
                    department=department,
                    sub_category=sub_category,
                    fiscal_period="FY2025",
                    amount=Decimal(amount),
                    currency=get_tenant(session).base_currency,
                )
                create_budget(session, who.tenant_id, new, who.actor)
                made += 1
        except DuplicateBudget:
            continue
    with transaction() as session:
        tenant = get_tenant(session)
        return jsonify(
            success=True, customer={"id": str(tenant.id), "name": tenant.name}, created=made
        )
