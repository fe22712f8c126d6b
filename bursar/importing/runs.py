"""An import's life: asked for, planned, applied exactly as planned, or ended with a reason.

received → profiled → awaiting_mapping → planned → applying → completed / completed_with_errors /
failed / cancelled. Every step is one transaction, and each can be run again from the start: a
worker that dies leaves the run where the step before it ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import NotFound
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
        created_by=actor,
    )
    session.add(run)
    session.flush()
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


def reopen(session: Session, import_id: UUID) -> None:
    """Make a failed or cancelled import ready for another try of its job."""
    session.execute(
        update(ImportRun)
        .where(ImportRun.id == import_id, ImportRun.state.in_(("failed", "cancelled")))
        .values(state="received", error=None, completed_at=None)
    )


def _superseded(session: Session, first: ImportRun) -> bool:
    """Whether a later import changed budgets: sending the older file again then means something."""
    return session.execute(
        select(
            exists().where(
                ImportRun.state.in_(DONE),
                ImportRun.completed_at > first.completed_at,
                ImportRun.created_rows + ImportRun.updated_rows > 0,
                ImportRun.duplicate_of.is_(None),
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
    run.state = "completed"
    run.total_rows = first.total_rows
    run.unchanged_rows = first.total_rows - first.rejected_rows
    run.rejected_rows = first.rejected_rows
    run.warnings = [*run.warnings, "This file was imported before; nothing was changed."]
    run.completed_at = func.now()
    return True
