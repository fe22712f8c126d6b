"""Handing work over to the workers, and changing its course."""

from __future__ import annotations

from uuid import UUID

from flask import g
from sqlalchemy.orm import Session

from bursar.importing import runs
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from schema.tables import ImportRun
from tasks import doorbell
from web import idempotency
from web.auth import principal


def announce(bell: Bell) -> None:
    """Ring for a job whose row is committed. A missing broker only delays it."""
    doorbell.ring(bell)


def retry(session: Session, job_id: UUID, actor: str) -> Bell:
    """Queue an ended job again, and open again what it works on.

    Announce the bell after the commit. Raises NotFound, JobNotRetriable.
    """
    bell = jobs.retry(session, job_id, actor)
    job = jobs.get_job(session, job_id)
    session.refresh(job)
    if job.kind.startswith("imports."):
        runs.reopen(session, UUID(job.payload["import_id"]), job.kind)
    return bell


def cancel(session: Session, job_id: UUID) -> None:
    """Cancel a job: at once while it waits, at its next step while it runs.

    Raises NotFound, JobNotCancellable.
    """
    waiting = jobs.cancel(session, job_id)
    job = jobs.get_job(session, job_id)
    session.refresh(job)
    if waiting and job.kind.startswith("imports."):
        runs.mark_cancelled(session, UUID(job.payload["import_id"]))


def started(session: Session, run: ImportRun, kind: str) -> idempotency.Answer:
    """Queue the job that carries a run on; a worker hears of it after the commit."""
    bell = runs.start(session, run, kind, principal().actor, g.request_id)
    return idempotency.Answer(
        202,
        {"id": str(run.id), "job_id": str(bell.job_id), "state": run.state},
        {"Location": f"/api/v1/jobs/{bell.job_id}"},
        after_commit=lambda: announce(bell),
    )
