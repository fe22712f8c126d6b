"""Budgets: list, create, read, change, delete, restore."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag

from bursar.budgets import balances, editing, listing
from bursar.errors import Fault, InvalidInput
from bursar.money import parse_amount, to_wire
from web import idempotency
from web.api.budgets_wire import BudgetChange, BudgetFilter, BudgetIn, BudgetOut, BudgetPage, wire
from web.api.reservations_wire import may_override
from web.api.wire import BudgetPath, problems
from web.auth import EDIT, READ, principal, require, transaction
from web.versions import etag, required_budget

api = APIBlueprint(
    "budgets", __name__, url_prefix="/api/v1/budgets", abp_tags=[Tag(name="Budgets")]
)


@api.get("", responses={"200": BudgetPage, **problems()})
@require(READ)
def list_budgets(query: BudgetFilter) -> Response:
    """List budgets.

    Filters narrow; `sort` takes created_at, department, budgeted_amount, available, fiscal_period.
    """
    wanted = _fields(query.fields)
    with transaction() as session:
        page = listing.list_balances(session, **query.model_dump(exclude={"fields"}))
        data = wire(session, page.rows)
    if wanted:
        data = [{name: row[name] for name in wanted} for row in data]
    return jsonify(data=data, next_cursor=page.next_cursor)


def _fields(text: str) -> list[str]:
    """The fields that were asked for. Raises InvalidInput for one that no budget has."""
    wanted = [name for name in text.split(",") if name]
    unknown = [name for name in wanted if name not in BudgetOut.model_fields]
    if unknown:
        raise InvalidInput(
            f"Budgets have no field {', '.join(unknown)}.",
            faults=[
                Fault("/fields", "unknown_field", f"{name!r} is no field.") for name in unknown
            ],
        )
    return wanted


@api.post("", responses={"201": BudgetOut, **problems(400, 409)})
@require(EDIT)
def create_budget(body: BudgetIn) -> Response:
    """Create a budget and authorize its amount."""
    who = principal()
    new = editing.NewBudget(
        amount=parse_amount(body.budgeted_amount, body.currency),
        **body.model_dump(exclude={"budgeted_amount"}),
    )

    def work(session: Any) -> idempotency.Answer:
        row = editing.create_budget(session, who.tenant_id, new, who.actor)
        location = f"/api/v1/budgets/{row.id}"
        (shown,) = wire(session, [row])
        return idempotency.Answer(201, shown, {"Location": location, **_etag(row)})

    return idempotency.once(work, body.model_dump())


@api.get("/<budget_id>", responses={"200": BudgetOut, **problems(404)})
@require(READ)
def get_budget(path: BudgetPath) -> Response:
    """Read a budget."""
    with transaction() as session:
        row = balances.get_balance(session, path.budget_id)
        (shown,) = wire(session, [row])
    return make_response(jsonify(shown), 200, _etag(row))


@api.patch("/<budget_id>", responses={"200": BudgetOut, **problems(404, 409, 412, 428)})
@require(EDIT)
def edit_budget(path: BudgetPath, body: BudgetChange) -> Response:
    """Change a budget; a new amount is posted as an adjustment. Needs If-Match."""
    version, read_amount = required_budget()
    who = principal()
    changes = body.model_dump(exclude_unset=True, exclude={"budgeted_amount", "override"})
    override = may_override(body.override)
    with transaction() as session:
        if body.budgeted_amount is not None:
            currency = balances.get_balance(session, path.budget_id).currency
            changes["amount"] = parse_amount(body.budgeted_amount, currency)
        row = editing.edit_budget(
            session, who.tenant_id, path.budget_id, version, changes, who.actor, override,
            read_amount,
        )  # fmt: skip
        (shown,) = wire(session, [row])
    return make_response(jsonify(shown), 200, _etag(row))


@api.delete("/<budget_id>", responses={"204": None, **problems(404, 409)})
@require(EDIT)
def delete_budget(path: BudgetPath) -> Response:
    """Delete a budget; its entries stay and it can be restored."""
    with transaction() as session:
        editing.delete_budget(session, path.budget_id)
    return make_response("", 204)


@api.post("/<budget_id>/restore", responses={"200": BudgetOut, **problems(400, 404, 409)})
@require(EDIT)
def restore_budget(path: BudgetPath) -> Response:
    """Bring a deleted budget back."""

    def work(session: Any) -> idempotency.Answer:
        row = editing.restore_budget(session, path.budget_id)
        (shown,) = wire(session, [row])
        return idempotency.Answer(200, shown, _etag(row))

    return idempotency.once(work, None)


def _etag(row: Any) -> dict[str, str]:
    return etag(row.row_version, to_wire(row.authorized, row.currency))
