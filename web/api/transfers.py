"""Transfers between budgets, and those that wait for approval."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar.budgets import transfers
from bursar.database import database
from bursar.ledger import funds, operations
from bursar.ledger.answers import Answer
from bursar.money import positive_amount
from schema.tables import TransferRequest
from web import idempotency
from web.api.ledger import UtilizationOut, account_wire
from web.api.reservations_wire import Reason
from web.api.wire import (
    AmountIn,
    AmountOut,
    CurrencyCode,
    ListQuery,
    LongText,
    Model,
    Out,
    amount_text,
    problems,
    time_text,
)
from web.auth import APPROVE, FUND, READ, principal, require, transaction

api = APIBlueprint("transfers", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Ledger")])

State = Literal["pending", "approved", "rejected"]


class TransferIn(Model):
    """Authorized money to move from one budget to another of the same currency."""

    giving: UUID = Field(alias="from")
    taking: UUID = Field(alias="to")
    amount: AmountIn
    currency: CurrencyCode | None = Field(None, description="Both budgets' own without it.")
    reason: Reason


class TransferOut(Out):
    """Both budgets after a transfer. `ref_id` names it in both ledgers."""

    ref_id: str
    amount: AmountOut
    currency: CurrencyCode
    giving: UtilizationOut = Field(alias="from")
    taking: UtilizationOut = Field(alias="to")


class TransferRequestOut(Out):
    """A transfer that waits for approval, or was decided on."""

    id: UUID
    state: State
    giving: UUID = Field(alias="from")
    taking: UUID = Field(alias="to")
    amount: AmountOut
    currency: CurrencyCode
    reason: str
    requested_by: str
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None
    ref_id: str | None
    created_at: str


class TransferRequestPage(Out):
    """A page of transfers that were asked for."""

    data: list[TransferRequestOut]
    next_cursor: str | None


class TransferRequestFilter(ListQuery):
    """Which transfers."""

    state: State | None = None


class TransferRequestPath(BaseModel):
    """Which transfer."""

    request_id: UUID


class DecideIn(Model):
    """What to say about it."""

    reason: LongText = ""


@api.post(
    "/transfers",
    responses={"201": TransferOut, "202": TransferRequestOut, **problems(400, 404, 409)},
)
@require(FUND)
def transfer(body: TransferIn) -> Response:
    """Move money that is not used to another budget: two entries that sum to zero.

    Where a rule for transfers wants it, 202: nothing moves until somebody else approves.
    """
    who = principal()
    currency = body.currency
    if currency is None:
        currency = operations.read_account(database(), who.tenant_id, body.giving).currency
    amount = positive_amount(body.amount, currency)
    with transaction() as session:
        asks = transfers.needs_approval(session, body.giving, amount)
    if asks:
        return idempotency.once(lambda session: _ask(session, body, currency), body.model_dump())
    gave, took = funds.transfer(
        database(),
        who.tenant_id,
        body.giving,
        body.taking,
        amount,
        currency,
        reason=body.reason,
        actor=who.actor,
        retry=idempotency.retry_of(body.model_dump()),
    )
    return idempotency.reply(gave, _made(gave, took), 201)


def _ask(session: Session, body: TransferIn, currency: str) -> idempotency.Answer:
    who = principal()
    amount = positive_amount(body.amount, currency)
    request = transfers.ask(
        session, who.tenant_id, body.giving, body.taking, amount, currency, body.reason, who.actor
    )
    location = f"/api/v1/transfer-requests/{request.id}"
    return idempotency.Answer(202, _wire(request), {"Location": location})


@api.get("/transfer-requests", responses={"200": TransferRequestPage, **problems()})
@require(READ)
def list_requests(query: TransferRequestFilter) -> Response:
    """List the transfers that were asked for, newest first."""
    with transaction() as session:
        found = transfers.list_requests(session, **query.model_dump())
        data = [_wire(request) for request in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.get("/transfer-requests/<request_id>", responses={"200": TransferRequestOut, **problems(404)})
@require(READ)
def get_request(path: TransferRequestPath) -> Response:
    """Read a transfer that was asked for."""
    with transaction() as session:
        return jsonify(_wire(transfers.get_request(session, path.request_id)))


@api.post(
    "/transfer-requests/<request_id>/approve",
    responses={"200": TransferOut, **problems(400, 404, 409)},
)
@require(APPROVE)
def approve(path: TransferRequestPath, body: DecideIn) -> Response:
    """Approve of a transfer that somebody else asked for, and make it."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        _, gave, took = transfers.approve(
            session, who.tenant_id, path.request_id, who.actor, body.reason
        )
        return idempotency.Answer(200, _made(gave, took))

    return idempotency.once(work, body.model_dump())


@api.post(
    "/transfer-requests/<request_id>/reject",
    responses={"200": TransferRequestOut, **problems(400, 404, 409)},
)
@require(APPROVE)
def reject(path: TransferRequestPath, body: DecideIn) -> Response:
    """Refuse a transfer, or take one's own request back. Nothing has moved."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        request = transfers.reject(session, who.tenant_id, path.request_id, who.actor, body.reason)
        return idempotency.Answer(200, _wire(request))

    return idempotency.once(work, body.model_dump())


def _made(gave: Answer, took: Answer) -> dict[str, Any]:
    return {
        "ref_id": gave.ref_id,
        "amount": amount_text(gave.amount, gave.currency),
        "currency": gave.currency,
        "from": account_wire(gave),
        "to": account_wire(took),
    }


def _wire(request: TransferRequest) -> dict[str, Any]:
    plain = ("state", "currency", "reason", "requested_by", "decided_by", "decision_reason",
             "ref_id")  # fmt: skip
    return {
        "id": str(request.id),
        "from": str(request.giving_id),
        "to": str(request.taking_id),
        "amount": amount_text(request.amount, request.currency),
        **{name: getattr(request, name) for name in plain},
        "decided_at": time_text(request.decided_at),
        "created_at": time_text(request.created_at),
    }
