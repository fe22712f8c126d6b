"""The tick: beat fires it, and it looks in the database for what is due."""

from __future__ import annotations

import structlog
from celery import shared_task
from sqlalchemy import text

from bursar import alerts, schedules
from bursar.config import settings
from bursar.database import Database, database
from bursar.jobs import rows as jobs
from bursar.jobs.sweep import due_jobs, tenants_with_due
from bursar.ledger.operations import expire_holds
from bursar.proof import reconcile_all, seals
from bursar.sources import scheduling
from bursar.telling import AT_ONCE, tell_noted
from bursar.webhooks.deliveries import due_deliveries
from tasks.doorbell import ring
from tasks.ledger import prove_ledgers, start_for_all
from tasks.sources import follow_imports
from tasks.webhooks import ring_delivery

log = structlog.get_logger("bursar.tick")


@shared_task(name="tick")
def tick() -> None:
    """Ring for jobs that wait, and start the housekeeping that is due."""
    opened = database()
    schedules.beat(opened, "beat")
    for bell in due_jobs(opened):
        ring(bell)
    # The proof last: it alone may take seconds.
    due = sorted(schedules.take_due(opened), key=lambda one: one[0] == "prove_ledger")
    for name, due_at in due:
        try:
            _DUTIES[name](opened)
        except Exception:
            # One duty's trouble must not keep the others from being done; it is due again soon.
            log.exception("housekeeping failed", schedule=name, due_at=due_at.isoformat())


def _expire_holds(opened: Database) -> None:
    for tenant_id in tenants_with_due(opened, "holds"):
        expired = expire_holds(opened, tenant_id)
        log.info("holds expired", tenant_id=str(tenant_id), holds=expired)


def _raise_alerts(opened: Database) -> None:
    for tenant_id in tenants_with_due(opened, "outbox"):
        with opened.transaction(tenant_id, "system") as session:
            while tell_noted(session, tenant_id) == AT_ONCE:
                pass


def _resolve_alerts(opened: Database) -> None:
    for tenant_id in tenants_with_due(opened, "alerts"):
        with opened.transaction(tenant_id, "system") as session:
            alerts.resolve_past(session, tenant_id)


def _start_sources(opened: Database) -> None:
    for bell in scheduling.start_due(opened):
        ring(bell)


def _follow_imports(opened: Database) -> None:
    for tenant_id in tenants_with_due(opened, "source_files"):
        follow_imports(opened, tenant_id)


def _send_webhooks(opened: Database) -> None:
    for tenant_id in tenants_with_due(opened, "webhooks"):
        with opened.transaction(tenant_id, "system") as session:
            due = due_deliveries(session)
        for delivery_id in due:
            ring_delivery(tenant_id, delivery_id)


def _start(opened: Database, what: str, kind: str) -> None:
    """Queue a job for each tenant that has this due, unless it still waits or works."""
    for tenant_id in tenants_with_due(opened, what):
        with opened.transaction(tenant_id, "schedule") as session:
            bell = jobs.enqueue_once(session, tenant_id, kind, {}, actor="schedule", dedup_key=kind)
        if bell is not None:
            ring(bell)


def _reset_budgets(opened: Database) -> None:
    _start(opened, "resets", "periods.reset")


def _forecast_budgets(opened: Database) -> None:
    _start(opened, "all", "alerts.forecast")


def _ledger_partitions(opened: Database) -> None:
    with opened.transaction(None) as session:
        session.execute(text("select ensure_ledger_partitions()"))


def _forget_idempotency_keys(opened: Database) -> None:
    for tenant_id in tenants_with_due(opened, "all"):
        with opened.transaction(tenant_id, "system") as session:
            session.execute(
                text(
                    "delete from action_idempotency"
                    " where tenant_id = :tenant and created_at < now() - interval '7 days'"
                ),
                {"tenant": tenant_id},
            )


def _reconcile_ledger(opened: Database) -> None:
    start_for_all(opened, reconcile_all.KIND)


def _seal_ledger(opened: Database) -> None:
    if settings().secrets_key.get_secret_value():
        start_for_all(opened, seals.KIND)
    else:
        log.warning("nothing is sealed: BURSAR_SECRETS_KEY is not set")


_DUTIES = {
    "expire_holds": _expire_holds,
    "raise_alerts": _raise_alerts,
    "resolve_alerts": _resolve_alerts,
    "start_sources": _start_sources,
    "follow_imports": _follow_imports,
    "send_webhooks": _send_webhooks,
    "reset_budgets": _reset_budgets,
    "forecast_budgets": _forecast_budgets,
    "ledger_partitions": _ledger_partitions,
    "forget_idempotency_keys": _forget_idempotency_keys,
    "prove_ledger": prove_ledgers,
    "reconcile_ledger": _reconcile_ledger,
    "seal_ledger": _seal_ledger,
}
