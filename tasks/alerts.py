"""Alerts that are foreseen."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bursar.database import database
from bursar.jobs import runner
from bursar.reports.foreseeing import tell_foreseen


@shared_task(name="alerts.forecast")
def forecast(tenant_id: str, job_id: str) -> None:
    """Tell ahead of budgets that will run out before their period ends."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), tell_foreseen, runner.nothing_to_tell)
