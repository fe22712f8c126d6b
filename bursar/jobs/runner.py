"""Running one job: claim, work, and end it as its outcome deserves."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.database import Database, is_passing
from bursar.errors import BursarError, JobCancelled, LeaseLost
from bursar.jobs.lease import Lease, claim

log = structlog.get_logger("bursar.jobs")

Work = Callable[[Lease], None]
# Told in the transaction that ends the job without success, so its subject can say so too.
OnFailure = Callable[[Session, Lease, str, dict[str, object]], None]

_BURY = text(
    """
    update job set state = case when cancel_requested then 'cancelled' else 'dead' end,
           finished_at = now(), leased_until = null, updated_at = now(),
           row_version = row_version + 1, lease_token = lease_token + 1,
           error = coalesce(error, jsonb_build_object('code', 'worker_lost', 'detail',
             'The worker died during each attempt.'))
     where tenant_id = :tenant and id = :job and state = 'running' and leased_until < now()
       and (attempts >= max_attempts or cancel_requested)
    returning state, kind, payload, lease_token, attempts, max_attempts, created_by, request_id,
              error
    """
)
_CLOSE_LOST_ATTEMPTS = text(
    """
    update job_attempt set ended_at = now(), outcome = 'worker_lost'
     where tenant_id = :tenant and job_id = :job and ended_at is null and attempt_no < :attempt
    """
)


def nothing_to_tell(
    session: Session, lease: Lease, state: str, description: dict[str, object]
) -> None:
    """For jobs whose row says it all."""


def worker_name() -> str:
    """This process, as attempts and operators know it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def run(
    database: Database, tenant_id: UUID, job_id: UUID, work: Work, on_failure: OnFailure
) -> str:
    """Run a job if it is ours to run and return its outcome.

    Terminal errors end it as `failed`; passing and unforeseen ones are tried again with a growing
    pause until the attempts are used up, then it is `dead` and waits for an operator.
    """
    lease = claim(database, tenant_id, job_id, worker_name(), settings().job_lease_seconds)
    if lease is None:
        return _bury_if_hopeless(database, tenant_id, job_id, on_failure)
    bound = log.bind(
        job_id=str(job_id),
        tenant_id=str(tenant_id),
        kind=lease.kind,
        attempt=lease.attempt,
        request_id=lease.request_id,
    )
    bound.info("job started")
    try:
        with database.transaction(tenant_id) as session:
            session.execute(
                _CLOSE_LOST_ATTEMPTS,
                {"tenant": tenant_id, "job": job_id, "attempt": lease.attempt},
            )
        with lease.heartbeat():
            work(lease)
            if not lease.ended:
                with lease.transaction() as session:
                    lease.end(session, "succeeded")
    except LeaseLost:
        bound.warning("job taken over by another worker")
        return "lost"
    except JobCancelled as error:
        return _end(lease, "cancelled", _describe(error), on_failure)
    except Exception as error:  # noqa: BLE001  whatever it is, the job must not hang
        bound.warning("job failed", error=_describe(error), exc_info=not _foreseen(error))
        return _end_failed(lease, error, on_failure)
    bound.info("job done")
    return "succeeded"


def _foreseen(error: Exception) -> bool:
    return isinstance(error, BursarError) or is_passing(error)


def _describe(error: Exception) -> dict[str, object]:
    if isinstance(error, BursarError):
        return {
            "code": error.code,
            "detail": error.detail,
            "errors": [
                {"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in error.faults
            ],
        }
    if is_passing(error):
        return {"code": "transient", "detail": "The database was not available for a while."}
    # The message of an unforeseen error may quote the data it met; the log has the traceback.
    return {"code": "unexpected", "detail": f"An unforeseen {type(error).__name__} was logged."}


def _end_failed(lease: Lease, error: Exception, on_failure: OnFailure) -> str:
    if isinstance(error, BursarError) and not is_passing(error):
        return _end(lease, "failed", _describe(error), on_failure)
    if lease.attempt >= lease.max_attempts:
        return _end(lease, "dead", _describe(error), on_failure)
    return _end(lease, "retrying", _describe(error), on_failure, delay=2.0 ** (lease.attempt - 1))


def _end(
    lease: Lease,
    state: str,
    description: dict[str, object],
    on_failure: OnFailure,
    delay: float = 0,
) -> str:
    try:
        with lease.transaction() as session:
            lease.end(session, state, json.dumps(description), delay)
            if state != "retrying":
                on_failure(session, lease, state, description)
    except JobCancelled as cancelled:
        return _end(lease, "cancelled", _describe(cancelled), on_failure)
    except LeaseLost:
        return "lost"
    return state


def _bury_if_hopeless(
    database: Database, tenant_id: UUID, job_id: UUID, on_failure: OnFailure
) -> str:
    """A job that killed its worker in every attempt is dead; the subject hears of it."""
    with database.transaction(tenant_id) as session:
        row = session.execute(_BURY, {"tenant": tenant_id, "job": job_id}).first()
        if row is None:
            return "not_ours"
        lease = Lease(
            database=database,
            tenant_id=tenant_id,
            job_id=job_id,
            kind=row.kind,
            payload=row.payload,
            token=row.lease_token,
            attempt=row.attempts,
            max_attempts=row.max_attempts,
            actor=row.created_by,
            request_id=row.request_id or "",
            seconds=0,
        )
        session.execute(
            _CLOSE_LOST_ATTEMPTS,
            {"tenant": tenant_id, "job": job_id, "attempt": row.attempts + 1},
        )
        on_failure(session, lease, row.state, row.error)
    log.error("job ended without its worker", job_id=str(job_id), kind=row.kind, state=row.state)
    return str(row.state)
