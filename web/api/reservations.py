"""Reservations: set money aside, then charge it or give it back. One SQL call each."""

from __future__ import annotations

from decimal import Decimal

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from bursar.database import database
from bursar.ledger import operations
from bursar.ledger.batches import Item
from bursar.ledger.combining import Combiner
from bursar.money import positive_amount, positive_decimal
from web import idempotency
from web.api.dating import dated
from web.api.reservations_wire import (
    ChargePartIn,
    PartIn,
    RefTypeQuery,
    RefundIn,
    ReservationIn,
    ReservationOut,
    ReservationPath,
    may_override,
    reservation_wire,
)
from web.api.wire import BudgetPath, problems
from web.auth import READ, SPEND, principal, require

api = APIBlueprint(
    "reservations", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Reservations")]
)

_combiner = Combiner()


@api.post(
    "/budgets/<budget_id>/reservations",
    responses={"201": ReservationOut, **problems(400, 404, 409)},
)
@require(SPEND)
def reserve(path: BudgetPath, body: ReservationIn) -> Response:
    """Set money aside. Checks and reserves in one step; over the limit is refused."""
    who = principal()
    amount = positive_amount(body.amount, body.currency)
    retry = idempotency.retry_of(body.model_dump())
    override = may_override(body.override)
    if override is None and body.stage == "reserved":
        answer = _combiner.reserve(
            database(),
            who.tenant_id,
            Item(
                path.budget_id, amount, body.currency, body.ref_id, who.actor, body.ref_type,
                body.expires_at, retry,
            ),
        )  # fmt: skip
    else:
        answer = operations.reserve(
            database(),
            who.tenant_id,
            path.budget_id,
            amount,
            body.currency,
            ref_id=body.ref_id,
            ref_type=body.ref_type,
            expires_at=body.expires_at,
            stage=body.stage,
            override=override,
            actor=who.actor,
            retry=retry,
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
def charge(path: ReservationPath, query: RefTypeQuery, body: ChargePartIn) -> Response:
    """Spend a reservation, wholly or in part."""
    who = principal()
    answer = operations.charge(
        database(),
        who.tenant_id,
        path.ref_id,
        _part(body),
        actor=who.actor,
        ref_type=query.ref_type,
        dated=dated(body.effective_on),
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
        dated=dated(body.effective_on),
        retry=idempotency.retry_of(body.model_dump(), query.ref_type),
    )
    return idempotency.reply(answer, reservation_wire(answer), 200)


def _part(body: PartIn) -> Decimal | None:
    # The reservation knows its currency; the database compares the decimals.
    return None if body.amount is None else positive_decimal(body.amount)
