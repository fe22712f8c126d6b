"""Reconciling all budgets of a tenant: one statement over everything, kept as the job's result."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar.database import Database
from bursar.jobs.lease import Lease
from bursar.jobs.rows import Bell, enqueue
from bursar.proof.reconcile import Broken
from bursar.proof.rounds import freeze
from schema.tables import Job

KIND = "ledger.reconcile"
# How many of the broken accounts a summary names; all of them are counted and frozen.
NAMED = 1_000

_EXAMINE = text(
    """
    with x as materialized (
      select e.*, e.fault is not null or e.differs <> 0 as broken from ledger_examined(:tenant) e
    )
    select count(distinct x.budget_id) as budgets, coalesce(sum(x.entries), 0) as entries,
           count(distinct x.budget_id) filter (where x.broken) as discrepancies,
           coalesce(array_agg(x.account_id) filter (where x.broken), '{}') as accounts,
           (select jsonb_agg(to_jsonb(b)) from (
              select y.account_id, y.budget_id, y.differs::text as differs, y.fault, y.bad_seq
                from x y where y.broken order by y.budget_id limit :named) b) as named
      from x
    """
)
_NOTE = text(
    """
    insert into ledger_watch (tenant_id, reconciled_at, reconciled)
    values (:tenant, now(), cast(:summary as jsonb))
    on conflict (tenant_id) do update set
      reconciled_at = excluded.reconciled_at, reconciled = excluded.reconciled
    """
)


def reconcile_all(database: Database, tenant_id: UUID, actor: str) -> dict[str, Any]:
    """Derive all counters and walk all chains of a tenant, and freeze what does not hold.

    Returns the summary: budgets, entries, discrepancies, seconds, and which budgets.
    """
    start = time.perf_counter()
    with database.transaction(tenant_id, actor) as session:
        found = session.execute(_EXAMINE, {"tenant": tenant_id, "named": NAMED}).one()
    if found.accounts:
        with database.transaction(tenant_id, actor) as session:
            freeze(session, tenant_id, found.accounts)
    return {
        "budgets": found.budgets,
        "entries": int(found.entries),
        "discrepancies": found.discrepancies,
        "seconds": round(time.perf_counter() - start, 3),
        "broken": [_told(one) for one in found.named or []],
    }


def _told(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "detail": str(
            Broken(
                one["account_id"],
                one["budget_id"],
                Decimal(one["differs"]),
                one["fault"],
                one["bad_seq"],
            )
        ),
    }  # fmt: skip


def run(lease: Lease) -> None:
    """The job: reconcile, and note when and with what outcome."""
    summary = reconcile_all(lease.database, lease.tenant_id, lease.actor)
    with lease.transaction() as session:
        session.execute(_NOTE, {"tenant": lease.tenant_id, "summary": json.dumps(summary)})
        lease.result = summary
        lease.end(session, "succeeded")


def start(session: Session, tenant_id: UUID, kind: str, actor: str, request_id: str = "") -> Bell:
    """Queue a job over a tenant's whole ledger; one that waits or runs already is joined."""
    try:
        with session.begin_nested():
            return enqueue(
                session, tenant_id, kind, {}, actor=actor, request_id=request_id or None,
                dedup_key=kind,
            )  # fmt: skip
    except IntegrityError as error:
        if "uq_job_dedup" not in str(error.orig):
            raise
    job = session.execute(
        select(Job).where(Job.dedup_key == kind, Job.state.in_(("queued", "running", "retrying")))
    ).scalar_one()
    return Bell(tenant_id, job.id, job.kind, job.queue)
