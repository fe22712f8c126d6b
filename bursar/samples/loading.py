"""Loading sample data: its spreadsheet goes through an ordinary import on a worker."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from importlib.resources import files as resources
from uuid import UUID

from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import SamplesCollide, SamplesPresent
from bursar.importing import runs
from bursar.importing.runs import Wish
from bursar.jobs import rows as jobs
from bursar.jobs.lease import Lease
from bursar.reports.ranges import Calendar
from bursar.samples.standing import SOURCE, SPEND, note, standing
from bursar.tenants import hold_tenant
from schema.tables import ImportRun

FILE = "sample_budget.csv"


def request_load(
    session: Session, tenant_id: UUID, actor: str, request_id: str | None = None
) -> tuple[ImportRun, jobs.Bell]:
    """Queue the import of the sample spreadsheet, for the present fiscal year.

    Ring the returned bell after the commit. Raises SamplesPresent.
    """
    tenant = hold_tenant(session)
    found = standing(session)
    if found is not None and found.state != "failed":
        raise SamplesPresent
    content = resources("bursar.samples").joinpath(FILE).read_bytes()
    stored = files.receive(session, tenant_id, FILE, io.BytesIO(content), actor, len(content))
    # The spreadsheet names neither, so that it fits every tenant on every day.
    calendar = Calendar.of(tenant)
    year = calendar.fiscal_year_of(calendar.day_of(datetime.now(UTC)))
    wish = Wish(defaults={"currency": tenant.base_currency, "fiscal_period": year.code})
    run = runs.request_import(session, tenant_id, stored.id, wish, actor)
    run.source_type = SOURCE
    bell = runs.start(session, run, "imports.run", actor, request_id)
    note(session, run.id, bell.job_id)
    return run, bell


def require_new(lease: Lease, import_id: UUID) -> bool:
    """Let a planned import of sample data create budgets only. Raises SamplesCollide.

    Every other import may go on.
    """
    with lease.transaction() as session:
        run = runs.get_run(session, import_id)
        if run.source_type == SOURCE and run.updated_rows + run.unchanged_rows:
            raise SamplesCollide
    return True


def go_on(session: Session, run: ImportRun, actor: str) -> list[jobs.Bell]:
    """When sample data is loaded, queue what is used of it, in the transaction that loads it."""
    if run.source_type != SOURCE:
        return []
    bell = jobs.enqueue(session, run.tenant_id, SPEND, {"import_id": str(run.id)}, actor=actor)
    note(session, run.id, bell.job_id)
    return [bell]
