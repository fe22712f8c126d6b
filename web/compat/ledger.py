"""Top up, utilization and reconciliation by the reward platform's routes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify

from bursar.database import database
from bursar.errors import Fault, InvalidInput, NotFound
from bursar.ledger import funds, operations
from bursar.ledger.answers import Answer
from bursar.money import positive_amount
from bursar.proof.reconcile import reconcile
from web import idempotency
from web.auth import ADMIN, FUND, READ, principal, require, transaction
from web.compat.wire import body, text_or_none

blueprint = Blueprint("compat_ledger", __name__, url_prefix="/v1/tenants/<tenant>/budgets")


@blueprint.post("/<uuid:budget_id>/topup")
@require(FUND)
def topup(tenant: str, budget_id: UUID) -> tuple[Response, int]:
    """Add money to a budget."""
    tenant_id = _own(tenant)
    given = body()
    currency = text_or_none(given, "currency")
    if currency is None:
        raise InvalidInput(
            "The field currency is missing.",
            faults=[Fault("/currency", "missing", "Send a text.")],
        )
    answer = funds.fund(
        database(),
        tenant_id,
        budget_id,
        positive_amount(str(given.get("amount")), currency),
        currency,
        reason=text_or_none(given, "reason") or "",
        actor=principal().actor,
        retry=idempotency.retry_of(given),
    )
    response = jsonify(success=True, **_account(answer))
    return (idempotency.replayed(response) if answer.replayed else response), 201


@blueprint.get("/<uuid:budget_id>/utilization")
@require(READ)
def utilization(tenant: str, budget_id: UUID) -> Response:
    """How much of a budget is used."""
    return jsonify(_account(operations.read_account(database(), _own(tenant), budget_id)))


@blueprint.post("/<uuid:budget_id>/reconcile")
@require(ADMIN)
def reconcile_budget(tenant: str, budget_id: UUID) -> Response:
    """Compare a budget's counters with its entries."""
    tenant_id = _own(tenant)
    with transaction() as session:
        found = reconcile(session, tenant_id, budget_id)
    used = ("reserved", "committed", "spent")
    return jsonify(
        budgetId=str(found.budget_id),
        currentBalance=sum(found.stored[name] for name in used),
        calculatedBalance=sum(found.derived[name] for name in used),
        discrepancy=found.discrepancy,
        totalsByType=found.totals_by_type,
        firstBadSeq=found.first_bad_seq,
    )


def _own(tenant: str) -> UUID:
    """The key's own tenant; of another one there is nothing here. Raises NotFound."""
    own = principal().tenant_id
    if tenant != str(own):
        raise NotFound("There is no such budget.")
    return own


def _account(answer: Answer) -> dict[str, Any]:
    return {
        "budgetId": str(answer.budget_id),
        "currency": answer.currency,
        "balance": answer.balance,
        "available": answer.available,
        "utilizationPercent": answer.utilization_percent,
        "softCapExceeded": answer.soft_cap_exceeded,
        "hardCapApproaching": answer.hard_cap_approaching,
    }
