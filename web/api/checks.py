"""Checks: whether something can be spent, answered from live balances."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from bursar import metrics, periods
from bursar.database import database
from bursar.ledger import availability
from bursar.money import positive_amount, positive_decimal
from web.api.wire import (
    AmountIn,
    AmountOut,
    CurrencyCode,
    Model,
    Out,
    Text,
    amount_text,
    percent_text,
    problems,
)
from web.auth import CHECK, principal, require

api = APIBlueprint("checks", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Checks")])


class CheckIn(Model):
    """What somebody would like to spend."""

    department: Text
    sub_category: Text | None = None
    fiscal_period: Text
    amount: AmountIn
    currency: CurrencyCode | None = None


class CheckedBudget(Out):
    """The budget a check was answered from."""

    id: UUID
    currency: CurrencyCode
    budgeted_amount: AmountOut
    committed: AmountOut
    reserved: AmountOut
    spent: AmountOut
    available: AmountOut


class CheckOut(Out):
    """The answer, kept under `decision_id`."""

    available: bool
    budget: CheckedBudget | None
    can_auto_approve: bool
    auto_approval_threshold: AmountOut
    utilization_percent: str | None
    decision: Literal["approved", "pending", "rejected"]
    reason: str
    decision_id: UUID
    matched: Literal["exact", "department"] | None


@api.post("/budgets/check", responses={"200": CheckOut, **problems()})
@require(CHECK)
def check(body: CheckIn) -> Response:
    """Can we spend this? Reads live balances; moves nothing."""
    who = principal()
    amount = (
        positive_amount(body.amount, body.currency)
        if body.currency
        else positive_decimal(body.amount)
    )
    with metrics.timed_check() as seen:
        answer = availability.check(
            database(),
            who.tenant_id,
            department=body.department,
            sub_category=body.sub_category,
            fiscal_period=periods.require_code(
                body.fiscal_period, periods.fiscal_start(database(), who.tenant_id)
            ),
            amount=amount,
            currency=body.currency,
            actor=who.actor,
        )
        seen.decision = answer.decision
    return jsonify(check_wire(answer))


def check_wire(answer: availability.Check) -> dict[str, Any]:
    """A check as the API answers it."""
    budget = None
    if answer.budget_id is not None:
        names = {
            "budgeted_amount": answer.authorized,
            "committed": answer.committed,
            "reserved": answer.reserved,
            "spent": answer.spent,
            "available": answer.balance_available,
        }
        budget = {
            "id": str(answer.budget_id),
            "currency": answer.currency,
            **{name: amount_text(value, answer.currency) for name, value in names.items()},
        }
    return {
        "available": answer.available,
        "budget": budget,
        "can_auto_approve": answer.can_auto_approve,
        "auto_approval_threshold": amount_text(answer.auto_approval_threshold, answer.currency),
        "utilization_percent": percent_text(answer.utilization_percent),
        "decision": answer.decision,
        "reason": answer.reason,
        "decision_id": str(answer.decision_id),
        "matched": answer.matched,
    }
