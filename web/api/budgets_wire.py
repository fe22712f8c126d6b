"""How budgets look on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from bursar.budgets.editing import Status
from bursar.proof import standing
from bursar.proof.standing import Standing
from bursar.sources import freshness
from bursar.sources.freshness import Freshness
from web.api.wire import (
    AmountIn,
    AmountOut,
    CurrencyCode,
    ListQuery,
    LongText,
    Model,
    Out,
    Text,
    amount_text,
    percent_text,
    time_text,
)

Kind = Literal["department", "partner", "program", "event", "campaign"]


class FreshnessOut(Out):
    """How fresh the numbers are that a source brought. `is_stale`: late, or its columns changed."""

    source_id: UUID
    source: str
    is_stale: bool
    policy: Literal["ignore", "manual", "refuse"]
    last_file_at: str | None
    next_expected_at: str | None


class StandingOut(Out):
    """When its counters last followed from its entries; `frozen_for` is set while they do not."""

    proven_at: str | None
    frozen_for: Literal["discrepancy"] | None


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
    freshness: FreshnessOut | None
    proof: StandingOut
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
    override: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$")] | None = (
        Field(None, description="Why the amount may fall below what is used; needs `fund`.")
    )


def wire(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of `budget_balance` as the API shows them."""
    fresh = freshness.of_imports(session, (row.import_id for row in rows))
    stands = standing.of_budgets(session, rows[0].tenant_id, [r.id for r in rows]) if rows else {}
    return [_wire(row, fresh.get(row.import_id), stands[row.id]) for row in rows]


def _wire(row: Any, fresh: Freshness | None, stands: Standing) -> dict[str, Any]:
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
        "freshness": fresh
        and {
            "source_id": str(fresh.source_id),
            "source": fresh.source,
            "is_stale": fresh.is_stale,
            "policy": fresh.policy,
            "last_file_at": time_text(fresh.last_file_at),
            "next_expected_at": time_text(fresh.next_expected_at),
        },
        "proof": {"proven_at": time_text(stands.proven_at), "frozen_for": stands.frozen_for},
        "created_at": time_text(row.created_at),
        "updated_at": time_text(row.updated_at),
    }
