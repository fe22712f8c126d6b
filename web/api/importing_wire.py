"""How imports look on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from bursar.importing.history import Standing
from schema.tables import ImportRow, ImportRun
from web.api.wire import AmountOut, Out, amount_text, time_text


class StartedOut(Out):
    """Work that a worker has been asked to do."""

    id: UUID
    job_id: UUID
    state: str


class ImportPath(BaseModel):
    """Which import."""

    import_id: UUID


class MendingOut(StartedOut):
    """An attempt at rows that an import had rejected; `id` is the import, which goes on."""

    attempt_id: UUID


class CountsOut(Out):
    """Rows by what they do."""

    total: int
    created: int
    updated: int
    unchanged: int
    rejected: int


class AmountsOut(Out):
    """Sums of the budgets an import touches; null where there are several currencies."""

    before: AmountOut | None
    after: AmountOut | None
    currency: str | None
    by_currency: dict[str, dict[str, str]]


class ShortOut(Out):
    """Budgets that would hold less than is used on them."""

    count: int
    blocking: int
    budgets: list[dict[str, Any]]


class CrossedOut(Out):
    """Budgets that would cross a cap."""

    count: int
    budgets: list[dict[str, Any]]


class ConsequencesOut(Out):
    """What the plan does beyond the amounts."""

    below_used: ShortOut
    alerts: CrossedOut


class UndoOut(Out):
    """Budgets that go back when an import is undone, and those that stay and why."""

    reverted: int
    kept: int
    amounts: dict[str, dict[str, str]]
    kept_budgets: list[dict[str, Any]]


class UndoneOut(UndoOut):
    """What was taken back, when and by whom."""

    at: str
    by: str


class StateOut(Out):
    """A state that an import has been in, and since when."""

    state: str
    at: str


class ImportOut(Out):
    """An import."""

    id: UUID
    state: str
    file_id: UUID
    file_name: str
    source_type: str
    mode: str
    sheet: str | None
    counts: CountsOut
    amounts: AmountsOut
    consequences: ConsequencesOut | None
    warnings: list[str]
    error: dict[str, Any] | None
    undo: UndoneOut | None
    duplicate_of: UUID | None
    continues: UUID | None
    continued_by: list[UUID]
    template_id: UUID | None
    job_id: UUID | None
    created_by: str
    created_at: str
    started_at: str | None
    completed_at: str | None
    duration_ms: int | None
    history: list[StateOut]


class ImportPage(Out):
    """A page of imports."""

    data: list[ImportOut]
    next_cursor: str | None


class PlanRowOut(Out):
    """What one row of the file does."""

    row: int
    action: str
    budget_id: UUID | None
    department: str | None
    sub_category: str | None
    fiscal_period: str | None
    currency: str | None
    amount: AmountOut | None
    before: AmountOut | None
    after: AmountOut | None
    errors: list[dict[str, Any]]


class PlanPage(Out):
    """A page of a plan."""

    data: list[PlanRowOut]
    next_cursor: str | None


class RowErrorOut(Out):
    """What is wrong with one cell."""

    sheet: str | None
    row: int
    column: str | None
    value: str
    code: str
    detail: str


class RowErrorPage(Out):
    """A page of row errors."""

    data: list[RowErrorOut]
    next_cursor: str | None
    total: int


def run_wire(run: ImportRun, file_name: str, standing: Standing) -> dict[str, Any]:
    """An import with its counts and sums, its attempts at mended rows included."""
    sums = {
        code: {name: amount_text(Decimal(value), code) for name, value in pair.items()}
        for code, pair in standing.amounts.items()
    }
    only = next(iter(sums)) if len(sums) == 1 else None
    duration = (
        round((run.completed_at - run.started_at).total_seconds() * 1000)
        if run.completed_at and run.started_at
        else None
    )
    return {
        "id": str(run.id),
        "state": standing.state,
        "file_id": str(run.file_id),
        "file_name": file_name,
        "source_type": run.source_type,
        "mode": run.mode,
        "sheet": run.sheet,
        "counts": {
            "total": standing.total,
            "created": standing.created,
            "updated": standing.updated,
            "unchanged": standing.unchanged,
            "rejected": standing.rejected,
        },
        "amounts": {
            "before": sums[only]["before"] if only else None,
            "after": sums[only]["after"] if only else None,
            "currency": only,
            "by_currency": sums,
        },
        "warnings": run.warnings,
        "consequences": run.consequences or None,
        "error": standing.error,
        "undo": run.undo,
        "duplicate_of": str(run.duplicate_of) if run.duplicate_of else None,
        "continues": str(run.continues_id) if run.continues_id else None,
        "continued_by": [str(attempt) for attempt in standing.attempts],
        "template_id": str(run.template_id) if run.template_id else None,
        "job_id": str(run.job_id) if run.job_id else None,
        "created_by": run.created_by,
        "created_at": time_text(run.created_at),
        "started_at": time_text(run.started_at),
        "completed_at": time_text(run.completed_at),
        "duration_ms": duration,
        "history": run.history,
    }


def plan_row_wire(row: ImportRow) -> dict[str, Any]:
    """A row of a plan."""
    currency = row.currency or ""
    return {
        "row": row.row_no,
        "action": row.action,
        "budget_id": str(row.budget_id) if row.budget_id else None,
        "department": row.department,
        "sub_category": row.sub_category,
        "fiscal_period": row.fiscal_period,
        "currency": row.currency,
        "amount": amount_text(row.amount, currency),
        "before": amount_text(row.before_amount, currency),
        "after": amount_text(row.after_amount, currency),
        "errors": row.errors or [],
    }


def row_error_wire(row: ImportRow, error: dict[str, Any]) -> dict[str, Any]:
    """One cell's error."""
    names = ("column", "value", "code", "detail")
    return {
        "sheet": error.get("sheet"),
        "row": row.row_no,
        **{name: error.get(name) for name in names},
    }
