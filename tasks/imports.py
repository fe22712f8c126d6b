"""Importing files."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from sqlalchemy.orm import Session

from bursar.database import database
from bursar.importing.applying import apply_plan, run_import
from bursar.importing.repairing.undoing import record_undo_failure, undo_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from bursar.jobs.lease import Lease
from bursar.jobs.rows import Bell
from bursar.samples import loading
from bursar.sources import judging
from schema.tables import ImportRun
from tasks.doorbell import ring
from tasks.sources import follow_imports


@shared_task(name="imports.run")
def run(tenant_id: str, job_id: str) -> None:
    """Plan an import, and apply it when that was asked for; sample data is then used too."""
    bells: list[Bell] = []

    def work(lease: Lease) -> None:
        def go_on(session: Session, loaded: ImportRun) -> None:
            bells.extend(loading.go_on(session, loaded, lease.actor))

        run_import(lease, _may_apply, go_on)

    runner.run(database(), UUID(tenant_id), UUID(job_id), work, record_failure)
    for bell in bells:
        ring(bell)
    follow_imports(database(), UUID(tenant_id))


def _may_apply(lease: Lease, import_id: UUID) -> bool:
    return loading.require_new(lease, import_id) and judging.may_apply(lease, import_id)


@shared_task(name="imports.apply")
def apply(tenant_id: str, job_id: str) -> None:
    """Apply an import that was planned before."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), apply_plan, record_failure)
    follow_imports(database(), UUID(tenant_id))


@shared_task(name="imports.undo")
def undo(tenant_id: str, job_id: str) -> None:
    """Take an import back."""
    runner.run(database(), UUID(tenant_id), UUID(job_id), undo_import, record_undo_failure)
