"""Many reservations in one request: one answer an item, in order."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from bursar.database import database
from bursar.errors import BursarError, IdempotencyKeyReused
from bursar.ledger.answers import Answer, Retry
from bursar.ledger.batches import Item, reserve_many
from bursar.money import positive_amount
from web import idempotency
from web.api.reservations_wire import ReservationOut, ToReserve, reservation_wire
from web.api.wire import Model, Out, problems
from web.auth import SPEND, principal, require
from web.problems import status_of

api = APIBlueprint(
    "reservation_batches", __name__, url_prefix="/api/v1/reservations",
    abp_tags=[Tag(name="Reservations")],
)  # fmt: skip

LARGEST_BATCH = 1_000


class BatchItemIn(ToReserve):
    """One reservation of a batch."""

    budget_id: UUID


class BatchIn(Model):
    """Reservations to make, each for itself or all or none."""

    items: Annotated[list[BatchItemIn], Field(min_length=1, max_length=LARGEST_BATCH)]
    mode: Literal["each", "all"] = "each"


class BatchOutcome(Out):
    """What became of an item: its reservation (201), or the code of its refusal."""

    status: int
    code: str
    detail: str | None
    reservation: ReservationOut | None


class BatchOut(Out):
    """One outcome an item, in order."""

    data: list[BatchOutcome]


@api.post("/batch", responses={"200": BatchOut, **problems(400, 404, 409)})
@require(SPEND)
def reserve_batch(body: BatchIn) -> Response:
    """Make many reservations in one step, each for itself (`each`) or all or none (`all`).

    The answers come in order; those of one budget are worked out in order too.
    """
    who = principal()
    whole = idempotency.retry_of(body.model_dump())
    items = [
        Item(
            item.budget_id, positive_amount(item.amount, item.currency), item.currency,
            item.ref_id, who.actor, item.ref_type, item.expires_at,
            Retry(f"{whole.key}#{n}", whole.request_hash),
        )
        for n, item in enumerate(body.items)
    ]  # fmt: skip
    outcomes = reserve_many(database(), who.tenant_id, items, body.mode, one_request=True)
    if any(isinstance(one, IdempotencyKeyReused) for one in outcomes):
        raise IdempotencyKeyReused
    response = make_response(jsonify(data=[_wire(one) for one in outcomes]), 200)
    repeated = all(isinstance(one, Answer) and one.replayed for one in outcomes)
    return idempotency.replayed(response) if repeated else response


def _wire(outcome: Answer | BursarError) -> dict[str, Any]:
    if isinstance(outcome, Answer):
        return {"status": 201, "code": "ok", "detail": None,
                "reservation": reservation_wire(outcome)}  # fmt: skip
    return {"status": status_of(outcome), "code": outcome.code, "detail": outcome.detail,
            "reservation": None}  # fmt: skip
