"""Handing work over to the workers, and changing its course."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from uuid import UUID

from flask import g
from sqlalchemy.orm import Session

from bursar.importing import runs
from bursar.jobs import bulk
from bursar.jobs import rows as jobs
from bursar.jobs.bulk import Chosen, Step
from bursar.jobs.rows import Bell
from schema.tables import ImportRun
from tasks import doorbell
from web import idempotency
from web.auth import principal, transaction

# How many steps of a page's button one request takes.
STEPS = 10


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
        runs.mark_cancelled(session, [UUID(job.payload["import_id"])])


def retry_many(session: Session, chosen: Chosen, actor: str) -> Step:
    """One step of queueing ended jobs again, and of opening again what they work on.

    Announce the bells after the commit. Raises InvalidInput.
    """
    step = bulk.retry_many(session, chosen, actor)
    for kind, ids in _imports_of(step.changed).items():
        runs.reopen_all(session, ids, kind)
    return step


def cancel_many(session: Session, chosen: Chosen) -> Step:
    """One step of cancelling jobs, and the imports that wait for them. Raises InvalidInput."""
    step = bulk.cancel_many(session, chosen)
    ended = _imports_of(job for job in step.changed if job.state == "cancelled")
    runs.mark_cancelled(session, [import_id for ids in ended.values() for import_id in ids])
    return step


def announce_all(step: Step) -> None:
    """Ring for the jobs of a step whose rows are committed."""
    for job in step.changed:
        if job.state == "queued":
            announce(job.bell)


def in_steps(take: Callable[[Session], Step]) -> tuple[int, int, bool]:
    """Take steps, each in a transaction of its own, until none is left or STEPS are done.

    How many jobs were changed, how many left alone, and whether there are more.
    """
    changed = left_alone = 0
    for _ in range(STEPS):
        with transaction() as session:
            step = take(session)
        announce_all(step)
        changed, left_alone = changed + len(step.changed), left_alone + step.left_alone
        if not step.more:
            return changed, left_alone, False
    return changed, left_alone, True


def _imports_of(changed: Iterable[bulk.Changed]) -> dict[str, list[UUID]]:
    """The imports that jobs work on, by the kind of the job."""
    found: dict[str, list[UUID]] = defaultdict(list)
    for job in changed:
        if job.bell.kind.startswith("imports."):
            found[job.bell.kind].append(UUID(job.payload["import_id"]))
    return found


def started(session: Session, run: ImportRun, kind: str) -> idempotency.Answer:
    """Queue the job that carries a run on; a worker hears of it after the commit."""
    bell = runs.start(session, run, kind, principal().actor, g.request_id)
    return idempotency.Answer(
        202,
        {"id": str(run.id), "job_id": str(bell.job_id), "state": run.state},
        {"Location": f"/api/v1/jobs/{bell.job_id}"},
        after_commit=lambda: announce(bell),
    )
