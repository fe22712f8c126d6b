"""How a budget is controlled: level, caps, and the budget above it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from bursar.budgets import balances, control
from bursar.money import parse_amount
from web.api.wire import AmountIn, AmountOut, BudgetPath, Model, Out, amount_text, problems
from web.auth import FUND, READ, principal, require, transaction
from web.versions import etag, required_version

api = APIBlueprint(
    "control", __name__, url_prefix="/api/v1/budgets", abp_tags=[Tag(name="Budgets")]
)

Level = Literal["none", "advisory", "absolute"]
Percent = Annotated[Decimal, Field(ge=0, le=10_000, max_digits=12, decimal_places=4)]
_PERCENTS = {
    "soft_cap_percent": "soft_cap_pct",
    "approach_percent": "approach_pct",
    "tolerance_percent": "tolerance_pct",
}


class ControlIn(Model):
    """What may change; what is left out stays."""

    control_mode: Level | None = None
    soft_cap_percent: Percent | None = None
    approach_percent: Percent | None = None
    tolerance_percent: Percent | None = Field(
        None, description="How far beyond what is authorized may be used."
    )
    hard_cap_amount: AmountIn | None = Field(None, description="Null takes it away.")
    parent_id: UUID | None = Field(None, description="Null takes it out from under its parent.")


class ControlOut(Out):
    """How a budget is controlled. `rolled_up` is what the budgets that it controls have used."""

    budget_id: UUID
    control_mode: Level
    soft_cap_percent: str
    approach_percent: str
    tolerance_percent: str
    hard_cap_amount: AmountOut | None
    parent_id: UUID | None
    rolled_up: AmountOut
    frozen: bool
    version: int


@api.get("/<budget_id>/control", responses={"200": ControlOut, **problems(404)})
@require(READ)
def get_control(path: BudgetPath) -> Response:
    """How a budget is controlled."""
    with transaction() as session:
        row = balances.get_balance(session, path.budget_id)
    return make_response(jsonify(_wire(row)), 200, etag(row.row_version))


@api.patch("/<budget_id>/control", responses={"200": ControlOut, **problems(404, 412, 428)})
@require(FUND)
def change_control(path: BudgetPath, body: ControlIn) -> Response:
    """Change how a budget is controlled. Needs If-Match."""
    version = required_version()
    given = body.model_dump(exclude_unset=True)
    changes: dict[str, Any] = {
        column: given[name] for name, column in _PERCENTS.items() if given.get(name) is not None
    }
    if body.control_mode is not None:
        changes["control_mode"] = body.control_mode
    if "parent_id" in given:
        changes["parent_id"] = body.parent_id
    with transaction() as session:
        if "hard_cap_amount" in given:
            currency = balances.get_balance(session, path.budget_id).currency
            cap = body.hard_cap_amount
            changes["hard_cap_amount"] = None if cap is None else parse_amount(cap, currency)
        row = control.change_control(
            session, principal().tenant_id, path.budget_id, version, changes
        )
    return make_response(jsonify(_wire(row)), 200, etag(row.row_version))


def _wire(row: Any) -> dict[str, Any]:
    cap = row.hard_cap_amount
    return {
        "budget_id": str(row.id),
        "control_mode": row.control_mode,
        **{name: f"{getattr(row, column):f}" for name, column in _PERCENTS.items()},
        "hard_cap_amount": None if cap is None else amount_text(cap, row.currency),
        "parent_id": str(row.parent_id) if row.parent_id else None,
        "rolled_up": amount_text(row.rolled_up, row.currency),
        "frozen": row.frozen,
        "version": row.row_version,
    }
