"""Reservations: set money aside, then charge it or give it back. One SQL call each."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from bursar.database import database
from bursar.errors import Forbidden
from bursar.ledger import operations
from bursar.ledger.answers import Answer
from bursar.money import positive_amount, positive_decimal
from web import idempotency
from web.api.ledger import account_wire
from web.api.wire import (
    AmountIn,
    AmountOut,
    BudgetPath,
    CurrencyCode,
    LongText,
    Model,
    Out,
    amount_text,
    problems,
    time_text,
)
from web.auth import FUND, READ, SPEND, allows, principal, require

api = APIBlueprint(
    "reservations", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Reservations")]
)

LONGEST_HOLD_SECONDS = 100 * 366 * 86_400
Reason = Annotated[LongText, Field(min_length=1)]
Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00/]+$")]


def _future(value: object) -> object:
    """A moment written out (RFC 3339), ahead of now and within a lifetime."""
    if not isinstance(value, str) or value.isdigit():
        raise ValueError("write the time as text, such as 2026-12-31T23:59:59Z")
    try:
        moment = datetime.fromisoformat(value)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        raise ValueError("write the time with its zone, such as 2026-12-31T23:59:59Z") from None
    if not 0 < seconds < LONGEST_HOLD_SECONDS:
        raise ValueError("the time must be ahead, and within a hundred years")
    return value


class ToReserve(Model):
    """Money to set aside under a reference of the caller."""

    amount: AmountIn
    currency: CurrencyCode
    ref_id: Reference
    ref_type: Reference = "reservation"
    expires_at: Annotated[AwareDatetime, BeforeValidator(_future)] | None = None


class ReservationIn(ToReserve):
    """A reservation to make."""

    stage: Literal["reserved", "committed"] = Field(
        "reserved", description="`committed` for an obligation without a reservation before it."
    )
    override: Reason | None = Field(
        None, description="Why the limit is passed; needs the right to fund."
    )


class ReservationOut(Out):
    """A reservation; `balance` is what is used of its budget."""

    ref_id: str
    ref_type: str
    budget_id: UUID
    state: Literal["reserved", "committed", "charged", "released", "expired"]
    amount: AmountOut
    charged: AmountOut
    released: AmountOut
    refunded: AmountOut
    remaining: AmountOut
    currency: CurrencyCode
    expires_at: str | None
    balance: AmountOut
    available: AmountOut
    utilization_percent: str | None
    soft_cap_exceeded: bool


class PartIn(Model):
    """A part of a reservation; left out, all that remains."""

    amount: AmountIn | None = None


class RefundIn(PartIn):
    """A part of what was charged; left out, all of it."""

    reason: Reason


class ReservationPath(BaseModel):
    """Which reservation."""

    ref_id: Reference


class RefTypeQuery(BaseModel):
    """The kind of reference, where it is not a plain reservation."""

    ref_type: Reference = "reservation"


def reservation_wire(answer: Answer) -> dict[str, Any]:
    """A reservation with the account after it."""
    account = account_wire(answer)
    del account["budgeted_amount"], account["hard_cap_approaching"]
    return {
        "ref_id": answer.ref_id,
        "ref_type": answer.ref_type,
        "state": answer.state,
        **{
            name: amount_text(getattr(answer, name), answer.currency)
            for name in ("amount", "charged", "released", "refunded", "remaining")
        },
        "expires_at": time_text(answer.expires_at),
        **account,
    }


def may_override(reason: str | None) -> str | None:
    """The reason to pass a limit, where this caller has the right to. Raises Forbidden."""
    role = principal().role
    if reason is not None and not allows(role, FUND):
        raise Forbidden(f"The role {role} may not pass a limit; it needs `{FUND}`.")
    return reason


@api.post(
    "/budgets/<budget_id>/reservations",
    responses={"201": ReservationOut, **problems(400, 404, 409)},
)
@require(SPEND)
def reserve(path: BudgetPath, body: ReservationIn) -> Response:
    """Set money aside. Checks and reserves in one step; over the limit is refused."""
    who = principal()
    answer = operations.reserve(
        database(),
        who.tenant_id,
        path.budget_id,
        positive_amount(body.amount, body.currency),
        body.currency,
        ref_id=body.ref_id,
        ref_type=body.ref_type,
        expires_at=body.expires_at,
        stage=body.stage,
        override=may_override(body.override),
        actor=who.actor,
        retry=idempotency.retry_of(body.model_dump()),
    )
    return idempotency.reply(answer, reservation_wire(answer), 201)


@api.get("/reservations/<ref_id>", responses={"200": ReservationOut, **problems(404)})
@require(READ)
def get_reservation(path: ReservationPath, query: RefTypeQuery) -> Response:
    """Read a reservation."""
    who = principal()
    answer = operations.read_hold(database(), who.tenant_id, path.ref_id, query.ref_type)
    return jsonify(reservation_wire(answer))


@api.post(
    "/reservations/<ref_id>/charge", responses={"200": ReservationOut, **problems(400, 404, 409)}
)
@require(SPEND)
def charge(path: ReservationPath, query: RefTypeQuery, body: PartIn) -> Response:
    """Spend a reservation, wholly or in part."""
    who = principal()
    answer = operations.charge(
        database(),
        who.tenant_id,
        path.ref_id,
        _part(body),
        actor=who.actor,
        ref_type=query.ref_type,
        retry=idempotency.retry_of(body.model_dump(), query.ref_type),
    )
    return idempotency.reply(answer, reservation_wire(answer), 200)


@api.post(
    "/reservations/<ref_id>/release", responses={"200": ReservationOut, **problems(400, 404, 409)}
)
@require(SPEND)
def release(path: ReservationPath, query: RefTypeQuery, body: PartIn) -> Response:
    """Give a reservation back, wholly or in part."""
    who = principal()
    answer = operations.release(
        database(),
        who.tenant_id,
        path.ref_id,
        _part(body),
        actor=who.actor,
        ref_type=query.ref_type,
        retry=idempotency.retry_of(body.model_dump(), query.ref_type),
    )
    return idempotency.reply(answer, reservation_wire(answer), 200)


@api.post(
    "/reservations/<ref_id>/commit", responses={"200": ReservationOut, **problems(400, 404, 409)}
)
@require(SPEND)
def commit(path: ReservationPath, query: RefTypeQuery) -> Response:
    """Turn all that a reservation holds into an obligation."""
    who = principal()
    answer = operations.commit(
        database(),
        who.tenant_id,
        path.ref_id,
        actor=who.actor,
        ref_type=query.ref_type,
        retry=idempotency.retry_of(query.ref_type),
    )
    return idempotency.reply(answer, reservation_wire(answer), 200)


@api.post(
    "/reservations/<ref_id>/refund", responses={"200": ReservationOut, **problems(400, 404, 409)}
)
@require(SPEND)
def refund(path: ReservationPath, query: RefTypeQuery, body: RefundIn) -> Response:
    """Give back what was charged, wholly or in part."""
    who = principal()
    answer = operations.refund(
        database(),
        who.tenant_id,
        path.ref_id,
        _part(body),
        reason=body.reason,
        actor=who.actor,
        ref_type=query.ref_type,
        retry=idempotency.retry_of(body.model_dump(), query.ref_type),
    )
    return idempotency.reply(answer, reservation_wire(answer), 200)


def _part(body: PartIn) -> Decimal | None:
    # The reservation knows its currency; the database compares the decimals.
    return None if body.amount is None else positive_decimal(body.amount)
