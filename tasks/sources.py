"""Looking at sources, and what their files became."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bursar.database import Database, database
from bursar.jobs import runner
from bursar.sources import outcomes
from connectors.syncing import sync as sync_source
from tasks.doorbell import ring


@shared_task(name="sources.sync")
def sync(tenant_id: str, job_id: str) -> None:
    """List a source and take in what is new."""
    runner.run(
        database(), UUID(tenant_id), UUID(job_id),
        lambda lease: sync_source(lease, ring), outcomes.record_failure,
    )  # fmt: skip


def follow_imports(opened: Database, tenant_id: UUID) -> None:
    """Take the news of ended imports over to the sources that brought their files."""
    with opened.transaction(tenant_id, "system") as session:
        bells = outcomes.follow_imports(session, tenant_id)
    for bell in bells:
        ring(bell)
