"""Work over the whole ledger of a tenant."""

from __future__ import annotations

import time
from uuid import UUID

import structlog
from celery import shared_task
from sqlalchemy.orm import Session

from bursar.database import Database, database
from bursar.jobs import runner
from bursar.jobs.lease import Lease
from bursar.jobs.sweep import tenants_with_due
from bursar.proof import reconcile_all, seals
from bursar.proof.rounds import prove_for
from tasks.doorbell import ring

log = structlog.get_logger("bursar.ledger")

# The proof runs within the tick, so a round has an end however much there is to prove.
_ROUND_SECONDS = 8.0
_TENANT_SECONDS = 3.0


@shared_task(name=reconcile_all.KIND)
def reconcile(tenant_id: str, job_id: str) -> None:
    """Reconcile all budgets of a tenant."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), reconcile_all.run, _nothing_to_tell)


@shared_task(name=seals.KIND)
def seal(tenant_id: str, job_id: str) -> None:
    """Seal the heads of a tenant's accounts."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), seals.run, _nothing_to_tell)


def prove_ledgers(opened: Database) -> None:
    """A round of the proof for each tenant, the one that was proven longest ago first."""
    until = time.monotonic() + _ROUND_SECONDS
    for tenant_id in tenants_with_due(opened, "proof"):
        left = until - time.monotonic()
        if left <= 0:
            return
        events = prove_for(opened, tenant_id, min(left, _TENANT_SECONDS))
        if events:
            log.warning("the proof froze or thawed budgets", tenant_id=str(tenant_id), count=events)


def start_for_all(opened: Database, kind: str) -> None:
    """Queue a job of this kind for every tenant."""
    for tenant_id in tenants_with_due(opened, "all"):
        with opened.transaction(tenant_id, "system") as session:
            bell = reconcile_all.start(session, tenant_id, kind, "system")
        ring(bell)


def _nothing_to_tell(session: Session, lease: Lease, state: str, error: dict[str, object]) -> None:
    """The job itself says how it ended; nothing else waits for it."""
