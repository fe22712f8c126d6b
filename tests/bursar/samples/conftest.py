"""Sample data of the test's tenant, carried to its end by the tasks themselves."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from bursar.database import Database
from bursar.jobs.rows import ENDED
from bursar.samples import loading, removing
from schema.tables import ImportRun, Job
from tasks import imports as import_tasks
from tasks import samples as sample_tasks

TASKS = {
    "imports.run": import_tasks.run,
    "samples.spend": sample_tasks.spend,
    "samples.remove": sample_tasks.remove,
}


@pytest.fixture
def work_off(app: object, database: Database, tenant_id: UUID) -> Callable[[], list[str]]:
    """Does all that waits, and what follows from it, as a worker would; the kinds in turn."""

    def work_off() -> list[str]:
        done: list[str] = []
        while True:
            with database.transaction(tenant_id) as session:
                waiting = select(Job).where(Job.state.not_in(ENDED), Job.kind.in_(TASKS))
                job = session.execute(waiting.order_by(Job.created_at, Job.id).limit(1)).scalar()
            if job is None or len(done) > 20:
                return done
            TASKS[job.kind](str(tenant_id), str(job.id))
            done.append(job.kind)

    return work_off


@pytest.fixture
def load(
    database: Database, tenant_id: UUID, work_off: Callable[[], list[str]]
) -> Callable[[], ImportRun]:
    """Loads sample data and returns its import as it ended."""

    def load() -> ImportRun:
        with database.transaction(tenant_id, "test") as session:
            run, _ = loading.request_load(session, tenant_id, "test")
        assert work_off() == ["imports.run", "samples.spend"]
        with database.transaction(tenant_id) as session:
            return session.execute(select(ImportRun).where(ImportRun.id == run.id)).scalar_one()

    return load


@pytest.fixture
def remove(
    database: Database, tenant_id: UUID, work_off: Callable[[], list[str]]
) -> Callable[[], None]:
    """Removes the sample data."""

    def remove() -> None:
        with database.transaction(tenant_id, "test") as session:
            removing.request_removal(session, tenant_id, "test")
        work_off()

    return remove
