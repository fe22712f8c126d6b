"""Taking an import back, all its attempts together, except for what was built on it since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from bursar.errors import InvalidImportState
from bursar.importing.load import limited_statements
from bursar.importing.repairing.mending import attempts_of
from bursar.importing.runs import get_run
from bursar.jobs.lease import Lease
from schema.tables import ImportRun

log = structlog.get_logger("bursar.importing")
NAMED = 1_000  # kept budgets that are written down with the import

# Why a budget is kept, in words.
KEPT = {
    "deleted": "The budget was deleted since.",
    "period_reset": "Its period was reset since.",
    "period_closed": "Its period was closed since.",
    "frozen": "It is frozen because its numbers disagree.",
    "spent": "Money was reserved, committed or spent on it since.",
    "imported": "A later import changed it.",
    "amount_edited": "Its amount was changed since.",
    "edited": "It was edited since.",
}


# Both leave what they found in the temporary table import_undo_effect.
_LOOK = text("select import_look_at_undo(:tenant, cast(:imports as uuid[]))")
_UNDO = text("select import_undo(:tenant, cast(:imports as uuid[]), :actor)")
_SUMS = text(
    "select currency, count(*) as budgets, sum(amount_now) as now,"
    " sum(case when created then 0 else amount_before end) as before from import_undo_effect"
    " where kept is null group by currency order by currency"
)
_KEPT = text(
    "select budget_id, department, sub_category, fiscal_period, currency, kept,"
    " count(*) over () as total from import_undo_effect where kept is not null"
    " order by department, sub_category, fiscal_period, budget_id limit :limit"
)


@dataclass(frozen=True, slots=True)
class Undoing:
    """What taking an import back does, or did: budgets that go back, and those that stay.

    `amounts` are sums of the budgets that go back, by currency: as they are and as they were.
    """

    reverted: int
    kept: int
    amounts: dict[str, dict[str, str]]
    kept_budgets: list[dict[str, Any]]

    def to_wire(self) -> dict[str, Any]:
        """JSON-ready; at most NAMED kept budgets are named."""
        return {
            "reverted": self.reverted,
            "kept": self.kept,
            "amounts": self.amounts,
            "kept_budgets": self.kept_budgets,
        }


def preview_undo(session: Session, import_id: UUID) -> Undoing:
    """What undoing would do now. Raises NotFound, InvalidImportState."""
    return _effects(session, _undoable(session, import_id, lock=False))


def request_undo(session: Session, import_id: UUID) -> ImportRun:
    """Lock an import that can be undone, whichever of its runs is named.

    Raises NotFound, InvalidImportState.
    """
    _undoable(session, import_id, lock=True)
    return get_run(session, import_id)


def undo_import(lease: Lease) -> None:
    """The work of a job of kind `imports.undo`: one transaction. Raises InvalidImportState."""
    import_id = UUID(lease.payload["import_id"])
    lease.checkpoint()
    with lease.transaction() as session:
        first = get_run(session, import_id, lock=True)
        if first.state == "undone":
            return
        applied = _undoable(session, import_id, lock=True)
        total = sum(run.created_rows + run.updated_rows for run in applied)
        lease.progress(0, total, "undoing")
        with limited_statements(session):
            done = _effects(session, applied, undo_as=lease.actor)
        if done.kept and not done.reverted:
            raise InvalidImportState(
                f"None of the {done.kept:,} budgets can go back: {done.kept_budgets[0]['detail']}"
            )
        session.execute(
            update(ImportRun)
            .where(ImportRun.id.in_([first.id, *(run.id for run in applied)]))
            .values(state="undone", fingerprint=None)
        )
        session.execute(
            update(ImportRun)
            .where(ImportRun.id == first.id)
            .values(undo={"at": datetime.now(UTC).isoformat(), "by": lease.actor, **done.to_wire()})
        )
        lease.progress(total, total, "undone")
        lease.end(session, "succeeded")
    log.info("import undone", import_id=str(import_id), reverted=done.reverted, kept=done.kept)


def record_undo_failure(
    session: Session, lease: Lease, outcome: str, error: dict[str, object]
) -> None:
    """Say on an import that stays as it is why it was not undone."""
    session.execute(
        update(ImportRun)
        .where(ImportRun.id == UUID(lease.payload["import_id"]))
        .values(error={**error, "outcome": outcome})
    )


def _undoable(session: Session, import_id: UUID, *, lock: bool) -> list[ImportRun]:
    """The runs of an import that loaded rows, oldest first."""
    named = get_run(session, import_id, lock=lock)
    if named.duplicate_of is not None:
        raise InvalidImportState(
            f"This file was imported before and changed nothing; undo import {named.duplicate_of}."
        )
    if named.continues_id is not None:
        raise InvalidImportState(
            f"This run is part of import {named.continues_id}; undo that as a whole."
        )
    attempts = attempts_of(session, named)
    working = [run for run in attempts.later if run.state in ("received", "profiled", "applying")]
    if working:
        raise InvalidImportState("Mended rows of this import are being loaded; wait for them.")
    if not attempts.applied:
        raise InvalidImportState(f"The import is {named.state}; it has loaded nothing.")
    return attempts.applied


def _effects(session: Session, applied: list[ImportRun], undo_as: str | None = None) -> Undoing:
    """What undoing does. With `undo_as` it is done first, and the effects are what was done."""
    session.execute(
        _LOOK if undo_as is None else _UNDO,
        {
            "tenant": applied[0].tenant_id,
            "imports": [run.id for run in applied],
            "actor": undo_as,
        },
    )
    sums = session.execute(_SUMS).all()
    kept = session.execute(_KEPT, {"limit": NAMED}).all()
    return Undoing(
        reverted=sum(row.budgets for row in sums),
        kept=kept[0].total if kept else 0,
        amounts={row.currency: {"before": str(row.now), "after": str(row.before)} for row in sums},
        kept_budgets=[
            {
                "budget_id": str(row.budget_id),
                "department": row.department,
                "sub_category": row.sub_category,
                "fiscal_period": row.fiscal_period,
                "currency": row.currency,
                "reason": row.kept,
                "detail": KEPT[row.kept],
            }
            for row in kept
        ],
    )
