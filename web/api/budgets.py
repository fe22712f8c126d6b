"""Budgets: list, create, read, change, delete, restore."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from bursar.budgets import balances, editing
from bursar.errors import Fault, InvalidInput
from bursar.money import parse_amount
from web import idempotency
from web.api.wire import (
    AmountIn,
    AmountOut,
    BudgetPath,
    CurrencyCode,
    ListQuery,
    LongText,
    Model,
    Out,
    Text,
    amount_text,
    percent_text,
    problems,
    time_text,
)
from web.auth import EDIT, READ, principal, require, transaction
from web.versions import etag, required_version

api = APIBlueprint(
    "budgets", __name__, url_prefix="/api/v1/budgets", abp_tags=[Tag(name="Budgets")]
)

Kind = Literal["department", "partner", "program", "event", "campaign"]
Status = Literal["planned", "active", "frozen", "finalized", "archived"]


class BudgetOut(Out):
    """A budget with its money. available = budgeted − reserved − committed − spent."""

    id: UUID
    kind: Kind
    name: str
    department: str
    sub_category: str | None
    account_code: str | None
    program: str | None
    project: str | None
    fund: str | None
    fiscal_period: str
    currency: CurrencyCode
    status: Status
    version: int
    budgeted_amount: AmountOut
    reserved: AmountOut
    committed: AmountOut
    spent: AmountOut
    available: AmountOut
    utilization_percent: str | None
    owner: str | None
    notes: str | None
    external_ref: str | None
    source: str
    import_id: UUID | None
    created_at: str
    updated_at: str


class BudgetPage(Out):
    """A page of budgets."""

    data: list[BudgetOut]
    next_cursor: str | None


class BudgetFilter(ListQuery):
    """Which budgets."""

    department: Text | None = None
    sub_category: Text | None = None
    fiscal_period: Text | None = None
    source: Text | None = None
    import_id: UUID | None = None
    status: Status | None = None
    kind: Kind | None = None
    q: Text | None = Field(None, description="Part of a department, name, account or reference.")
    sort: Annotated[str, Field(max_length=40)] = "-created_at"
    fields: Annotated[str, Field(max_length=500, pattern=r"^[a-z_,]*$")] = Field(
        "", description="Only these fields of each budget, separated by commas; empty: all."
    )


class BudgetIn(Model):
    """A new budget."""

    department: Text
    fiscal_period: Text
    budgeted_amount: AmountIn
    currency: CurrencyCode
    sub_category: Text | None = None
    name: Text | None = None
    kind: Kind = "department"
    account_code: Text | None = None
    program: Text | None = None
    project: Text | None = None
    fund: Text | None = None
    owner: Text | None = None
    notes: LongText | None = None
    external_ref: Text | None = None


class BudgetChange(Model):
    """What may change; what is left out stays."""

    name: Text | None = None
    owner: Text | None = None
    notes: LongText | None = None
    external_ref: Text | None = None
    status: Status | None = None
    budgeted_amount: AmountIn | None = None


def wire(row: Any) -> dict[str, Any]:
    """A row of `budget_balance` as the API shows it."""
    texts = (
        "kind", "name", "department", "sub_category", "account_code", "program", "project", "fund",
        "fiscal_period", "currency", "status", "owner", "notes", "external_ref", "source",
    )  # fmt: skip
    return {
        "id": str(row.id),
        **{name: getattr(row, name) for name in texts},
        "version": row.row_version,
        "budgeted_amount": amount_text(row.authorized, row.currency),
        **{
            name: amount_text(getattr(row, name), row.currency)
            for name in ("reserved", "committed", "spent", "available")
        },
        "utilization_percent": percent_text(row.utilization_percent),
        "import_id": str(row.import_id) if row.import_id else None,
        "created_at": time_text(row.created_at),
        "updated_at": time_text(row.updated_at),
    }


@api.get("", responses={"200": BudgetPage, **problems()})
@require(READ)
def list_budgets(query: BudgetFilter) -> Response:
    """List budgets.

    Filters narrow; `sort` takes created_at, department, budgeted_amount, available, fiscal_period.
    """
    wanted = _fields(query.fields)
    with transaction() as session:
        page = balances.list_balances(session, **query.model_dump(exclude={"fields"}))
    data = [wire(row) for row in page.rows]
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
        return idempotency.Answer(201, wire(row), {"Location": location, **etag(row.row_version)})

    return idempotency.once(work, body.model_dump())


@api.get("/<budget_id>", responses={"200": BudgetOut, **problems(404)})
@require(READ)
def get_budget(path: BudgetPath) -> Response:
    """Read a budget."""
    with transaction() as session:
        row = balances.get_balance(session, path.budget_id)
    return make_response(jsonify(wire(row)), 200, etag(row.row_version))


@api.patch("/<budget_id>", responses={"200": BudgetOut, **problems(404, 409, 412, 428)})
@require(EDIT)
def edit_budget(path: BudgetPath, body: BudgetChange) -> Response:
    """Change a budget; a new amount is posted as an adjustment. Needs If-Match."""
    version = required_version()
    who = principal()
    changes = body.model_dump(exclude_unset=True, exclude={"budgeted_amount"})
    with transaction() as session:
        if body.budgeted_amount is not None:
            currency = balances.get_balance(session, path.budget_id).currency
            changes["amount"] = parse_amount(body.budgeted_amount, currency)
        row = editing.edit_budget(
            session, who.tenant_id, path.budget_id, version, changes, who.actor
        )
    return make_response(jsonify(wire(row)), 200, etag(row.row_version))


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
        return idempotency.Answer(200, wire(row), etag(row.row_version))

    return idempotency.once(work, None)
