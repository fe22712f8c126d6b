"""Importing files."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bursar.database import database
from bursar.importing.applying import apply_plan, run_import
from bursar.importing.repairing.undoing import record_undo_failure, undo_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from bursar.sources.judging import may_apply
from tasks.sources import follow_imports


@shared_task(name="imports.run")
def run(tenant_id: str, job_id: str) -> None:
    """Plan an import, and apply it when that was asked for."""
    runner.run(
        database(), UUID(tenant_id), UUID(job_id),
        lambda lease: run_import(lease, may_apply), record_failure,
    )  # fmt: skip
    follow_imports(database(), UUID(tenant_id))


@shared_task(name="imports.apply")
def apply(tenant_id: str, job_id: str) -> None:
    """Apply an import that was planned before."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), apply_plan, record_failure)
    follow_imports(database(), UUID(tenant_id))


@shared_task(name="imports.undo")
def undo(tenant_id: str, job_id: str) -> None:
    """Take an import back."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), undo_import, record_undo_failure)
