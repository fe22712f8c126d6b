"""Trapped money: holds unlikely to be charged, and giving many of them back at once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar.budgets.balances import names_of
from bursar.database import database
from bursar.errors import BursarError
from bursar.ledger.answers import Answer
from bursar.reports.trapped import Trapped, find_trapped, release_each
from web import idempotency
from web.api.reservations_wire import Reference
from web.api.wire import AmountOut, CurrencyCode, Model, Out, amount_text, problems, time_text
from web.auth import READ, SPEND, principal, require, transaction

api = APIBlueprint(
    "trapped", __name__, url_prefix="/api/v1/reports", abp_tags=[Tag(name="Reports")]
)


class TrappedQuery(BaseModel):
    """How unlikely, and how many."""

    max_probability: Decimal = Field(
        Decimal("0.1"), ge=0, le=1, description="Only holds at most this likely to be charged."
    )
    limit: int = Field(50, ge=1, le=200, description="Holds to list; the sums count all.")


class TrappedOut(Out):
    """A hold that is unlikely to be charged; the probability is an estimate."""

    ref_type: str
    ref_id: str
    budget_id: UUID
    budget_name: str | None
    currency: CurrencyCode
    remaining: AmountOut
    state: str
    created_at: str
    expires_at: str | None
    waited_seconds: int
    usual_seconds: int
    longest_seconds: int
    learned_from: int
    probability: str


class TrappedPage(Out):
    """Holds unlikely to be charged, the unlikeliest first, and what all of them hold."""

    data: list[TrappedOut]
    count: int
    releasable: dict[str, str]


class TrappedReleaseIn(Model):
    """Holds to give back."""

    ref_ids: Annotated[list[Reference], Field(min_length=1, max_length=200)]
    ref_type: Reference = "reservation"


class TrappedReleasedOut(Out):
    """What became of one hold."""

    ref_id: str
    released: bool
    state: str | None
    amount: AmountOut | None
    currency: CurrencyCode | None
    code: str | None
    detail: str | None


class TrappedReleasedPage(Out):
    """One answer for each hold, in the order in which they were named."""

    data: list[TrappedReleasedOut]


@api.get("/trapped", responses={"200": TrappedPage, **problems()})
@require(READ)
def list_trapped(query: TrappedQuery) -> Response:
    """Holds that wait so long that they will hardly be charged, and the money in them."""
    with transaction() as session:
        found = find_trapped(
            session, principal().tenant_id, datetime.now(UTC),
            most_probable=query.max_probability, limit=query.limit,
        )  # fmt: skip
        names = names_of(session, {hold.budget_id for hold in found.holds})
    return jsonify(
        data=[_wire(hold, names.get(hold.budget_id)) for hold in found.holds],
        count=found.count,
        releasable={
            currency: amount_text(amount, currency)
            for currency, amount in sorted(found.releasable.items())
        },
    )


def _wire(hold: Trapped, budget_name: str | None) -> dict[str, Any]:
    plain = ("ref_type", "ref_id", "currency", "waited_seconds", "usual_seconds",
             "longest_seconds", "learned_from")  # fmt: skip
    return {
        **{name: getattr(hold, name) for name in plain},
        "budget_id": str(hold.budget_id),
        "budget_name": budget_name,
        "remaining": amount_text(hold.remaining, hold.currency),
        "state": hold.stage,
        "created_at": time_text(hold.created_at),
        "expires_at": time_text(hold.expires_at),
        "probability": str(hold.probability),
    }


@api.post("/trapped/release", responses={"200": TrappedReleasedPage, **problems(400, 409)})
@require(SPEND)
def release_trapped(body: TrappedReleaseIn) -> Response:
    """Give many holds back, each for itself, with one answer for each."""
    who, key = principal(), idempotency.required_key()

    def work(_: Session) -> idempotency.Answer:
        answers = release_each(
            database(), who.tenant_id, body.ref_type, body.ref_ids, actor=who.actor, key=key
        )
        data = [_outcome(*pair) for pair in zip(body.ref_ids, answers, strict=True)]
        return idempotency.Answer(200, {"data": data})

    return idempotency.once(work, body.model_dump())


def _outcome(ref_id: str, answer: Answer | BursarError) -> dict[str, Any]:
    if isinstance(answer, BursarError):
        nothing = dict.fromkeys(("state", "amount", "currency"))
        return {
            "ref_id": ref_id, "released": False, **nothing,
            "code": answer.code, "detail": answer.detail,
        }  # fmt: skip
    return {
        "ref_id": ref_id, "released": True, "state": answer.state,
        "amount": amount_text(answer.released, answer.currency), "currency": answer.currency,
        "code": None, "detail": None,
    }  # fmt: skip
