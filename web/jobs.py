"""Handing work over to the workers, and changing its course."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from bursar.importing import runs
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from tasks import doorbell


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
