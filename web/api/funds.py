"""Moving funds: top a budget up, spend at once, take an entry back."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from bursar.database import database
from bursar.ledger import funds, operations
from bursar.money import positive_amount
from web import idempotency
from web.api.dating import EffectiveOn, dated
from web.api.ledger import UtilizationOut, account_wire
from web.api.reservations_wire import (
    Reason,
    Reference,
    ReservationOut,
    may_override,
    reservation_wire,
)
from web.api.wire import (
    AmountIn,
    BudgetPath,
    CurrencyCode,
    LongText,
    Model,
    problems,
)
from web.auth import FUND, SPEND, principal, require

api = APIBlueprint("funds", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Ledger")])


class TopupIn(Model):
    """Money to add."""

    amount: AmountIn
    currency: CurrencyCode
    reason: LongText = ""
    effective_on: EffectiveOn = None


class ChargeIn(Model):
    """Money to spend without a reservation."""

    amount: AmountIn
    currency: CurrencyCode
    ref_id: Reference
    ref_type: Reference = "reservation"
    reason: LongText | None = None
    override: Reason | None = Field(
        None, description="Why the limit is passed; needs the right to fund."
    )
    effective_on: EffectiveOn = None


class ReversalIn(Model):
    """Why an entry is taken back."""

    reason: Reason


class EntryPath(BaseModel):
    """Which entry of which budget."""

    budget_id: UUID
    seq: int = Field(ge=1, le=2**62)


@api.post(
    "/budgets/<budget_id>/topup", responses={"201": UtilizationOut, **problems(400, 404, 409)}
)
@require(FUND)
def topup(path: BudgetPath, body: TopupIn) -> Response:
    """Add money to a budget."""
    who = principal()
    answer = funds.fund(
        database(),
        who.tenant_id,
        path.budget_id,
        positive_amount(body.amount, body.currency),
        body.currency,
        reason=body.reason,
        actor=who.actor,
        dated=dated(body.effective_on),
        retry=idempotency.retry_of(body.model_dump()),
    )
    return idempotency.reply(answer, account_wire(answer), 201)


@api.post(
    "/budgets/<budget_id>/charges", responses={"201": ReservationOut, **problems(400, 404, 409)}
)
@require(SPEND)
def spend(path: BudgetPath, body: ChargeIn) -> Response:
    """Spend without a reservation. Checks and posts in one step; over the limit is refused."""
    who = principal()
    answer = operations.spend(
        database(),
        who.tenant_id,
        path.budget_id,
        positive_amount(body.amount, body.currency),
        body.currency,
        ref_id=body.ref_id,
        ref_type=body.ref_type,
        reason=body.reason,
        override=may_override(body.override),
        actor=who.actor,
        dated=dated(body.effective_on),
        retry=idempotency.retry_of(body.model_dump()),
    )
    return idempotency.reply(answer, reservation_wire(answer), 201)


@api.post(
    "/budgets/<budget_id>/ledger/<seq>/reverse",
    responses={"201": UtilizationOut, **problems(400, 404, 409)},
)
@require(FUND)
def reverse(path: EntryPath, body: ReversalIn) -> Response:
    """Post the inverse of an entry, once. What belongs to a reservation takes it back too."""
    who = principal()
    answer = funds.reverse(
        database(),
        who.tenant_id,
        path.budget_id,
        path.seq,
        reason=body.reason,
        actor=who.actor,
        retry=idempotency.retry_of(body.model_dump()),
    )
    return idempotency.reply(answer, account_wire(answer), 201)
