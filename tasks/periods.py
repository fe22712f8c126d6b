"""Budgets that start anew, and periods that are closed."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bursar.database import database
from bursar.jobs import runner
from bursar.period_end.closing import close_period
from bursar.period_end.resets import reset_due


@shared_task(name="periods.reset")
def reset(tenant_id: str, job_id: str) -> None:
    """Start anew the budgets of a tenant whose period is over."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), reset_due, runner.nothing_to_tell)


@shared_task(name="periods.close")
def close(tenant_id: str, job_id: str) -> None:
    """Close a fiscal period, budget by budget."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), close_period, runner.nothing_to_tell)
