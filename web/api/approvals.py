"""Rules of approval, and the decisions that were given by them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar.budgets import approvals
from bursar.budgets.approvals import NewRule
from bursar.budgets.explaining import explain
from bursar.money import limit_amount
from schema.tables import ApprovalRule
from web import idempotency
from web.api.ledger import CellOut, cell_wire
from web.api.wire import (
    AmountIn,
    AmountOut,
    CurrencyCode,
    ListQuery,
    Model,
    Out,
    Text,
    amount_text,
    problems,
    time_text,
)
from web.auth import FUND, READ, principal, require, transaction
from web.versions import etag, required_version

api = APIBlueprint("approvals", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Checks")])


Covers = Literal["checks", "transfers"]


class RuleIn(Model):
    """Up to which amount a check is approved by itself, where the money is there."""

    name: Text
    auto_approve_up_to: AmountIn
    department: Text | None = Field(None, description="All departments without it.")
    currency: CurrencyCode | None = Field(None, description="All currencies without it.")
    covers: Covers = Field(
        "checks", description="Checks, or transfers from a budget: above it somebody is asked."
    )


class RuleChange(Model):
    """What may change; what is left out stays."""

    name: Text | None = None
    auto_approve_up_to: AmountIn | None = None
    is_active: bool | None = None


class RuleOut(Out):
    """A rule of approval."""

    id: UUID
    name: str
    department: str | None
    currency: CurrencyCode | None
    auto_approve_up_to: AmountOut
    covers: Covers
    is_active: bool
    version: int
    created_by: str
    created_at: str
    updated_at: str


class RulePage(Out):
    """A page of rules."""

    data: list[RuleOut]
    next_cursor: str | None


class HoldingOut(Out):
    """What was used of the budget under a reference when the decision was given."""

    ref_type: str
    ref_id: str
    amount: AmountOut
    currency: CurrencyCode


class DecisionOut(Out):
    """An answer that was given to a check, and what it rested on."""

    id: UUID
    budget_id: UUID | None
    amount: str
    decision: str
    reason: str
    available: str | None
    entry_seq: int | None
    actor: str
    decided_at: str
    trace: dict[str, Any]
    cells: list[CellOut]
    holds: list[HoldingOut]
    more_holds: int


class RulePath(BaseModel):
    """Which rule."""

    rule_id: UUID


class DecisionPath(BaseModel):
    """Which decision."""

    decision_id: UUID


@api.get("/approval-rules", responses={"200": RulePage, **problems()})
@require(READ)
def list_rules(query: ListQuery) -> Response:
    """List the rules of approval, newest first."""
    with transaction() as session:
        found = approvals.list_rules(session, limit=query.limit, cursor=query.cursor)
        data = [_wire(row.ApprovalRule) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post("/approval-rules", responses={"201": RuleOut, **problems(400, 409)})
@require(FUND)
def create_rule(body: RuleIn) -> Response:
    """Make a rule of approval. Of several the one that says most decides."""
    who = principal()
    new = NewRule(
        body.name, limit_amount(body.auto_approve_up_to, body.currency), body.department,
        body.currency, body.covers,
    )  # fmt: skip

    def work(session: Session) -> idempotency.Answer:
        rule = approvals.create_rule(session, who.tenant_id, new, who.actor)
        headers = {"Location": f"/api/v1/approval-rules/{rule.id}", **etag(rule.row_version)}
        return idempotency.Answer(201, _wire(rule), headers)

    return idempotency.once(work, body.model_dump())


@api.get("/approval-rules/<rule_id>", responses={"200": RuleOut, **problems(404)})
@require(READ)
def get_rule(path: RulePath) -> Response:
    """Read a rule of approval."""
    with transaction() as session:
        rule = approvals.get_rule(session, path.rule_id)
        return make_response(jsonify(_wire(rule)), 200, etag(rule.row_version))


@api.patch("/approval-rules/<rule_id>", responses={"200": RuleOut, **problems(404, 409, 412, 428)})
@require(FUND)
def change_rule(path: RulePath, body: RuleChange) -> Response:
    """Change a rule of approval, or switch it off and on. Needs If-Match."""
    version = required_version()
    changes = {k: v for k, v in body.model_dump(exclude_unset=True).items() if v is not None}
    with transaction() as session:
        if body.auto_approve_up_to is not None:
            currency = approvals.get_rule(session, path.rule_id).currency
            changes["auto_approve_up_to"] = limit_amount(body.auto_approve_up_to, currency)
        rule = approvals.change_rule(session, path.rule_id, version, changes)
        return make_response(jsonify(_wire(rule)), 200, etag(rule.row_version))


@api.get("/checks/<decision_id>", responses={"200": DecisionOut, **problems(404)})
@require(READ)
def explain_check(path: DecisionPath) -> Response:
    """Why a check was answered as it was: balances, limits, rule, source, cells and uses."""
    with transaction() as session:
        found = approvals.get_decision(session, path.decision_id)
        known = explain(session, found)
        currency = known.currency or ""
        return jsonify(
            id=str(found.id),
            budget_id=str(found.budget_id) if found.budget_id else None,
            amount=str(found.amount),
            decision=found.decision,
            reason=found.reason,
            available=None if found.available is None else str(found.available),
            entry_seq=found.account_seq,
            actor=found.actor,
            decided_at=time_text(found.decided_at),
            trace=found.trace or {},
            cells=[cell_wire(cell, currency) for cell in known.cells],
            holds=[
                {
                    "ref_type": one.ref_type,
                    "ref_id": one.ref_id,
                    "amount": amount_text(one.amount, currency),
                    "currency": currency,
                }
                for one in known.holds
            ],
            more_holds=known.more_holds,
        )


def _wire(rule: ApprovalRule) -> dict[str, Any]:
    plain = ("name", "department", "currency", "covers", "is_active", "created_by")
    return {
        "id": str(rule.id),
        **{name: getattr(rule, name) for name in plain},
        "auto_approve_up_to": amount_text(rule.auto_approve_up_to, rule.currency or "USD"),
        "version": rule.row_version,
        "created_at": time_text(rule.created_at),
        "updated_at": time_text(rule.updated_at),
    }
