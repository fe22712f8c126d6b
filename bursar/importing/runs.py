"""An import's life: asked for, planned, applied exactly as planned, or ended with a reason.

received → profiled → awaiting_mapping → planned → applying → completed / completed_with_errors /
failed / cancelled. Every step is one transaction, and each can be run again from the start: a
worker that dies leaves the run where the step before it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, and_, exists, func, or_, select, text, update
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import InvalidImportState, JobNotCancellable, NotFound, PlanStale
from bursar.jobs import rows as jobs
from bursar.jobs.lease import Lease
from schema.tables import ImportRun

DONE = ("completed", "completed_with_errors")
ENDED = (*DONE, "failed", "cancelled", "undone")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks of an import, beside the file."""

    sheet: str | None = None
    header_row: int | None = None
    mapping: dict[str, str | None] | None = None
    defaults: dict[str, str] | None = None
    mode: str = "all_or_nothing"
    apply: bool = True
    force_kind: bool = False
    answers: dict[str, Any] | None = None
    """What was asked: `decimal_marks` and `units` by header, `date_order`, `unit`, `parents`."""
    allow_below_used: bool = False
    """Whether budgets may fall below what is used on them."""


def wish_of(run: ImportRun) -> Wish:
    """What was asked of an import."""
    return Wish(
        sheet=run.sheet,
        header_row=run.header_row,
        mapping=run.mapping,
        defaults=run.defaults,
        mode=run.mode,
        apply=run.apply,
        force_kind=run.force_kind,
        answers=run.answers,
        allow_below_used=run.allow_below_used,
    )


def request_import(
    session: Session, tenant_id: UUID, file_id: UUID, wish: Wish, actor: str
) -> ImportRun:
    """Record an import of a stored file; a job will carry it out. Raises NotFound."""
    files.get_file(session, file_id)
    run = ImportRun(
        tenant_id=tenant_id,
        file_id=file_id,
        mode=wish.mode,
        apply=wish.apply,
        force_kind=wish.force_kind,
        sheet=wish.sheet,
        header_row=wish.header_row,
        mapping=wish.mapping,
        defaults=wish.defaults or {},
        answers=wish.answers or {},
        allow_below_used=wish.allow_below_used,
        created_by=actor,
    )
    session.add(run)
    session.flush()
    return run


def start(
    session: Session, run: ImportRun, kind: str, actor: str, request_id: str | None
) -> jobs.Bell:
    """Queue the job of kind `imports.run`, `imports.apply` or `imports.undo` of `run`.

    Ring the returned bell after the commit.
    """
    bell = jobs.enqueue(
        session,
        run.tenant_id,
        kind,
        {"import_id": str(run.id)},
        actor=actor,
        request_id=request_id,
    )
    run.job_id = bell.job_id
    session.flush()
    return bell


def require_planned(
    session: Session, import_id: UUID, *, allow_below_used: bool = False
) -> ImportRun:
    """Lock an import that can be applied as it was planned.

    Raises NotFound, InvalidImportState, PlanStale.
    """
    run = get_run(session, import_id, lock=True)
    if run.state != "planned":
        raise InvalidImportState(f"The import is {run.state}, not planned.")
    require_fresh(session, run)
    run.allow_below_used = run.allow_below_used or allow_below_used
    return run


def get_run(session: Session, import_id: UUID, *, lock: bool = False) -> ImportRun:
    """An import of this tenant. Raises NotFound."""
    query = select(ImportRun).where(ImportRun.id == import_id)
    run = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if run is None:
        raise NotFound("There is no such import.")
    return run


def record_failure(session: Session, lease: Lease, outcome: str, error: dict[str, object]) -> None:
    """Say on the import how its job ended, in the transaction that ends the job."""
    session.execute(
        update(ImportRun)
        .where(
            ImportRun.id == UUID(lease.payload["import_id"]),
            ImportRun.state.not_in(ENDED),
        )
        .values(
            state="cancelled" if outcome == "cancelled" else "failed",
            error=error,
            completed_at=func.now(),
        )
    )


def reopen(session: Session, import_id: UUID, kind: str) -> None:
    """Make a failed or cancelled import ready for another try of its job of this kind."""
    reopen_all(session, [import_id], kind)


def reopen_all(session: Session, import_ids: Sequence[UUID], kind: str) -> None:
    """As `reopen`, for many."""
    if kind == "imports.undo":
        return  # the import stayed as it was
    before = "planned" if kind == "imports.apply" else "received"
    session.execute(
        update(ImportRun)
        .where(ImportRun.id.in_(import_ids), ImportRun.state.in_(("failed", "cancelled")))
        .values(state=before, error=None, completed_at=None)
    )


def _superseded(session: Session, first: ImportRun) -> bool:
    """Whether a later import changed budgets: sending the older file again then means something.

    Mended rows of the same import do not count; an undone import does where it left budgets as it
    had made them.
    """
    return session.execute(
        select(
            exists().where(
                or_(
                    ImportRun.state.in_(DONE),
                    and_(
                        ImportRun.state == "undone", ImportRun.undo["kept"].astext.cast(Integer) > 0
                    ),
                ),
                ImportRun.completed_at > first.completed_at,
                ImportRun.created_rows + ImportRun.updated_rows > 0,
                ImportRun.duplicate_of.is_(None),
                ImportRun.continues_id.is_distinct_from(first.id),
            )
        )
    ).scalar_one()


def same_as_before(session: Session, run: ImportRun) -> bool:
    """Whether this very file was imported the same way before.

    The same file in the same way is one import: `run` then points to the first and changes nothing.
    """
    first = session.execute(
        select(ImportRun).where(ImportRun.fingerprint == run.fingerprint, ImportRun.state.in_(DONE))
    ).scalar_one_or_none()
    if first is None:
        return False
    if _superseded(session, first):
        first.fingerprint = None  # this run may take its place
        session.flush()
        return False
    run.duplicate_of = first.id
    run.fingerprint = None
    run.state = first.state
    run.total_rows = first.total_rows
    run.created_rows = run.updated_rows = 0  # whatever was planned before the other came first
    run.amounts = {}
    run.unchanged_rows = first.total_rows - first.rejected_rows
    run.rejected_rows = first.rejected_rows
    run.warnings = [*run.warnings, "This file was imported before; nothing was changed."]
    run.completed_at = func.now()
    return True


def require_fresh(session: Session, run: ImportRun, *, creates: bool = True) -> None:
    """Compare the plan with the budgets as they are now. Raises PlanStale with the rows.

    Without `creates`, rows that create a budget are left to the natural key to refuse.
    """
    stale = session.execute(
        text("select row_no from import_stale_rows(:tenant, :import, :creates, 20)"),
        {"tenant": run.tenant_id, "import": run.id, "creates": creates},
    ).scalars()
    rows = sorted(set(stale))
    if rows:
        raise PlanStale(
            "Budgets have changed since the plan was made; rows "
            + ", ".join(map(str, rows))
            + " no longer fit. Plan again.",
            extra={"rows": rows},
        )


def cancel(session: Session, import_id: UUID) -> ImportRun:
    """Stop an import: at once, or at the next step of its running job.

    Raises NotFound, InvalidImportState for one that has ended.
    """
    run = get_run(session, import_id, lock=True)
    if run.state in ENDED:
        raise InvalidImportState(f"The import is {run.state} already.")
    stopped = True
    if run.job_id is not None:
        with suppress(JobNotCancellable):
            stopped = jobs.cancel(session, run.job_id)
    if stopped:
        mark_cancelled(session, [run.id])
        session.refresh(run)
    return run


def mark_cancelled(session: Session, import_ids: Sequence[UUID]) -> None:
    """Say on imports that have not ended that they will not go on."""
    session.execute(
        update(ImportRun)
        .where(ImportRun.id.in_(import_ids), ImportRun.state.not_in(ENDED))
        .values(state="cancelled", completed_at=func.now())
    )
