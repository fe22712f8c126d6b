"""Holding a job: claim it with a fencing token, keep the lease alive, end it once.

Only the holder of the newest token may end the job, and it does so in the transaction that makes
the job's effect true. A worker that lost its lease therefore rolls its effect back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.database import Database, is_passing
from bursar.errors import JobCancelled, LeaseLost

_CLAIM = text(
    """
    update job set
      state = 'running', lease_token = lease_token + 1, attempts = attempts + 1,
      leased_until = now() + make_interval(secs => :lease), worker = :worker,
      started_at = coalesce(started_at, now()), updated_at = now()
     where tenant_id = :tenant and id = :job and attempts < max_attempts
       and not cancel_requested
       and (state in ('queued', 'retrying') and run_after <= now()
            or state = 'running' and leased_until < now())
    returning kind, payload, lease_token, attempts, max_attempts, created_by, request_id
    """
)
_BEAT = text(
    """
    update job set
      leased_until = now() + make_interval(secs => :lease),
      progress_done = :done, progress_total = :total, stage = :stage, updated_at = now()
     where tenant_id = :tenant and id = :job and lease_token = :token and state = 'running'
    returning cancel_requested
    """
)
_END = text(
    """
    update job set
      state = :state, error = cast(:error as jsonb), leased_until = null,
      result = coalesce(cast(:result as jsonb), result),
      run_after = now() + make_interval(secs => :delay), rung_at = null,
      finished_at = case when :state = 'retrying' then null else now() end,
      progress_done = :done, progress_total = :total, stage = :stage, updated_at = now(),
      row_version = row_version + 1
     where tenant_id = :tenant and id = :job and lease_token = :token and state = 'running'
       and (:state not in ('succeeded', 'retrying') or not cancel_requested)
    returning id
    """
)
_STILL_OURS = text(
    """
    select 1 from job where tenant_id = :tenant and id = :job and lease_token = :token
       and state = 'running' for update
    """
)
_CANCELLED = text(
    """
    select 1 from job where tenant_id = :tenant and id = :job and lease_token = :token
       and state = 'running' and cancel_requested
    """
)
_ATTEMPT_STARTS = text(
    """
    insert into job_attempt (tenant_id, job_id, attempt_no, worker)
    values (:tenant, :job, :attempt, :worker)
    """
)
_ATTEMPT_ENDS = text(
    """
    update job_attempt set ended_at = now(), outcome = :outcome, error = cast(:error as jsonb)
     where tenant_id = :tenant and job_id = :job and attempt_no = :attempt
    """
)


@dataclass
class Lease:
    """A claimed job in the hands of one worker; what it leaves as `result` is kept at its end."""

    database: Database
    tenant_id: UUID
    job_id: UUID
    kind: str
    payload: dict[str, Any]
    token: int
    attempt: int
    max_attempts: int
    actor: str
    request_id: str
    seconds: int
    done: int = 0
    total: int | None = None
    stage: str | None = None
    result: dict[str, Any] | None = None
    ended: bool = False
    lost: bool = False
    cancelled: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def transaction(self) -> Any:
        """A transaction of the job's tenant, in the name of whoever asked for the job."""
        return self.database.transaction(self.tenant_id, self.actor, self.request_id)

    def progress(self, done: int, total: int | None, stage: str) -> None:
        """Say how far the work is; the heartbeat writes it down."""
        self.done, self.total, self.stage = done, total, stage

    def hold(self, session: Session) -> None:
        """Make sure, in this transaction and until its end, that the job is still ours.

        Last in every transaction that writes something of the job's: a worker that stalled past its
        lease then rolls back instead of overwriting what its successor did. Raises LeaseLost.
        """
        if session.execute(_STILL_OURS, self._names()).first() is None:
            self.lost = True
            raise LeaseLost

    def checkpoint(self) -> None:
        """Stop here when the lease is gone (LeaseLost) or somebody cancelled (JobCancelled)."""
        if self.lost:
            raise LeaseLost
        if self.cancelled:
            raise JobCancelled

    def end(self, session: Session, state: str, error: str | None = None, delay: float = 0) -> None:
        """Move the job to `state` in this transaction. Raises LeaseLost when it is not ours."""
        row = session.execute(
            _END,
            {
                **self._names(),
                "state": state,
                "error": error,
                "result": None if self.result is None else json.dumps(self.result),
                "delay": delay,
                "done": self.done,
                "total": self.total,
                "stage": self.stage,
            },
        ).first()
        if row is None:
            # Whoever was told that the job will be cancelled is not told a lie: its effect, which
            # is in this transaction, goes with it.
            if session.execute(_CANCELLED, self._names()).first():
                self.cancelled = True
                raise JobCancelled
            self.lost = True
            raise LeaseLost
        session.execute(
            _ATTEMPT_ENDS,
            {
                "tenant": self.tenant_id,
                "job": self.job_id,
                "attempt": self.attempt,
                "outcome": state,
                "error": error,
            },
        )
        self.ended = True

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Keep the lease alive from a thread while the work runs."""
        beating = threading.Thread(target=self._beat, name=f"lease-{self.job_id}", daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._stop.set()
            beating.join()

    def _beat(self) -> None:
        shown: tuple[int, int | None, str | None] | None = None
        waited = 0.0
        while not self._stop.wait(0.5):
            waited += 0.5
            now = (self.done, self.total, self.stage)
            if now == shown and waited < self.seconds / 3:
                continue
            waited, shown = 0.0, now
            try:
                with self.database.transaction(self.tenant_id) as session:
                    row = session.execute(
                        _BEAT,
                        {
                            **self._names(),
                            "lease": self.seconds,
                            "done": self.done,
                            "total": self.total,
                            "stage": self.stage,
                        },
                    ).first()
            except Exception as error:
                # A missed beat is made up by the next; a lost lease shows when the job ends.
                if not is_passing(error):
                    raise
                continue
            if row is None:
                self.lost = not self._stop.is_set() and not self.ended
                return
            self.cancelled = self.cancelled or bool(row.cancel_requested)

    def _names(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "job": self.job_id, "token": self.token}


def claim(
    database: Database, tenant_id: UUID, job_id: UUID, worker: str, lease_seconds: int
) -> Lease | None:
    """Take the job when it is ready and nobody holds it; None makes a second delivery harmless."""
    with database.transaction(tenant_id) as session:
        row = session.execute(
            _CLAIM,
            {"tenant": tenant_id, "job": job_id, "worker": worker, "lease": lease_seconds},
        ).first()
        if row is None:
            return None
        session.execute(
            _ATTEMPT_STARTS,
            {"tenant": tenant_id, "job": job_id, "attempt": row.attempts, "worker": worker},
        )
    return Lease(
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
        seconds=lease_seconds,
    )
