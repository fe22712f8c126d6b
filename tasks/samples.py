"""Sample data: using it once it is loaded, and taking it away."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bursar.database import database
from bursar.jobs import runner
from bursar.samples.removing import remove_samples
from bursar.samples.spending import spend_samples


@shared_task(name="samples.spend")
def spend(tenant_id: str, job_id: str) -> None:
    """Use the budgets of sample data."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), spend_samples, runner.nothing_to_tell)


@shared_task(name="samples.remove")
def remove(tenant_id: str, job_id: str) -> None:
    """Take sample data away."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), remove_samples, runner.nothing_to_tell)
