"""Writing, reading, retrying and cancelling job rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from bursar.config import settings
from bursar.errors import JobNotCancellable, JobNotRetriable, NotFound
from bursar.paging import Page, page, search
from schema.tables import Job, JobAttempt

QUEUES = ("imports", "syncs", "alerts", "periods", "webhooks", "default")

# Each kind of work has one queue, so that workers of their own can be given to it.
QUEUE_OF_KIND = {
    "imports.run": "imports",
    "imports.apply": "imports",
    "imports.undo": "imports",
    "sources.sync": "syncs",
    "periods.reset": "periods",
    "periods.close": "periods",
    "alerts.forecast": "alerts",
    "ledger.reconcile": "periods",
    "ledger.seal": "periods",
    "samples.spend": "default",
    "samples.remove": "default",
}

# How many rows a page looks through for what no index can find.
WITHIN = 2_000

ENDED = ("succeeded", "failed", "dead", "cancelled")


@dataclass(frozen=True, slots=True)
class Bell:
    """What the broker is told: which job, on which queue, and nothing else."""

    tenant_id: UUID
    job_id: UUID
    kind: str
    queue: str


def enqueue(
    session: Session,
    tenant_id: UUID,
    kind: str,
    payload: dict[str, Any],
    *,
    actor: str,
    request_id: str | None = None,
    run_after: datetime | None = None,
    dedup_key: str | None = None,
) -> Bell:
    """Write a job row in the caller's transaction. Ring the returned bell after the commit."""
    job = Job(
        tenant_id=tenant_id,
        kind=kind,
        queue=QUEUE_OF_KIND[kind],
        payload=payload,
        max_attempts=settings().job_attempts,
        created_by=actor,
        request_id=request_id,
        dedup_key=dedup_key,
        # The bell rings at once; the sweeper need not ring for a while.
        rung_at=func.now(),
    )
    if run_after is not None:
        job.run_after = run_after
        job.rung_at = None
    session.add(job)
    session.flush()
    return Bell(tenant_id, job.id, kind, job.queue)


def enqueue_once(
    session: Session,
    tenant_id: UUID,
    kind: str,
    payload: dict[str, Any],
    *,
    actor: str,
    dedup_key: str,
    request_id: str | None = None,
) -> Bell | None:
    """Write a job row unless one of this key still waits or works; then None."""
    try:
        with session.begin_nested():
            return enqueue(
                session, tenant_id, kind, payload,
                actor=actor, dedup_key=dedup_key, request_id=request_id,
            )  # fmt: skip
    except IntegrityError as error:
        if "uq_job_dedup" in str(error.orig):
            return None
        raise


def get_job(session: Session, job_id: UUID) -> Job:
    """A job of this tenant. Raises NotFound."""
    job = session.execute(select(Job).where(Job.id == job_id)).scalar_one_or_none()
    if job is None:
        raise NotFound("There is no such job.")
    return job


def list_jobs(
    session: Session,
    *,
    kind: str | None = None,
    state: str | None = None,
    q: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of jobs, newest first; `q` is the beginning of an id, or a part of the error.

    One filter is served by its index. Several at once, and words of an error, are looked for among
    WITHIN rows at a time: such a page may be short, or empty, and have a cursor all the same.
    """
    query, found_by = select(Job), id_range(q) if q else None
    if found_by is not None:
        query = query.where(Job.id.between(*found_by))
    elif state is not None:
        query = query.where(Job.state == state)
    elif kind is not None:
        query = query.where(Job.kind == kind)

    def matches(column: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[bool]:
        wanted = [column.kind == kind] if kind is not None else []
        if state is not None:
            wanted.append(column.state == state)
        if q and found_by is None:
            wanted.append(column.error["detail"].astext.icontains(q, autoescape=True))
        return and_(true(), *wanted)

    order: Any = {
        "columns": {"created_at": Job.__table__.c.created_at},
        "key": Job.__table__.c.id,
        "limit": limit,
        "cursor": cursor,
    }
    if sum((bool(q), state is not None, kind is not None)) <= 1 and (not q or found_by):
        found = page(session, query, **order)
        return Page([row.Job for row in found.rows], found.next_cursor)
    found = search(session, query, matches, within=WITHIN, **order)
    jobs = session.execute(select(Job).where(Job.id.in_([row.id for row in found.rows])))
    by_id = {job.id: job for job in jobs.scalars()}
    return Page([by_id[row.id] for row in found.rows], found.next_cursor)


def id_range(beginning: str) -> tuple[UUID, UUID] | None:
    """The least and the greatest id that begin so; None for what is not eight digits of one."""
    digits = beginning.strip().lower().replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{8,32}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def attempts_of(session: Session, job_id: UUID) -> list[JobAttempt]:
    """The tries of a job, oldest first."""
    return list(
        session.execute(
            select(JobAttempt).where(JobAttempt.job_id == job_id).order_by(JobAttempt.attempt_no)
        ).scalars()
    )


def queued_again(actor: str) -> dict[str, Any]:
    """The columns of a job that is tried again in the name of `actor`."""
    return {
        "state": "queued",
        # The count of attempts goes on, so their history stays whole.
        "max_attempts": Job.attempts + settings().job_attempts,
        "run_after": func.now(),
        "rung_at": func.now(),
        "cancel_requested": False,
        "finished_at": None,
        "error": None,
        "stage": None,
        "row_version": Job.row_version + 1,
        "updated_at": func.now(),
        "created_by": actor,
    }


def retry(session: Session, job_id: UUID, actor: str) -> Bell:
    """Queue a job again that ended without success. Raises NotFound, JobNotRetriable."""
    job = get_job(session, job_id)
    try:
        with session.begin_nested():
            changed = session.execute(
                update(Job)
                .where(Job.id == job_id, Job.state.in_(("failed", "dead", "cancelled")))
                .values(**queued_again(actor))
                .returning(Job.id)
            ).first()
    except IntegrityError as error:
        if "uq_job_dedup" in str(error.orig):
            raise JobNotRetriable("Another job that does the same waits or runs already.") from None
        raise
    if changed is None:
        raise JobNotRetriable(f"The job is {job.state}; only an ended job can be tried again.")
    return Bell(job.tenant_id, job_id, job.kind, job.queue)


def cancel(session: Session, job_id: UUID) -> bool:
    """Cancel a job: at once while it waits (True), at its next checkpoint while it runs (False).

    Raises NotFound, JobNotCancellable.
    """
    job = get_job(session, job_id)
    waiting = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state.in_(("queued", "retrying")))
        .values(
            state="cancelled",
            finished_at=func.now(),
            updated_at=func.now(),
            row_version=Job.row_version + 1,
        )
        .returning(Job.id)
    ).first()
    if waiting is not None:
        return True
    running = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "running")
        .values(cancel_requested=True, updated_at=func.now(), row_version=Job.row_version + 1)
        .returning(Job.id)
    ).first()
    if running is None:
        raise JobNotCancellable(f"The job is {job.state} already.")
    return False
