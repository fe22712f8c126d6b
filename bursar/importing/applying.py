"""Applying a plan: exactly the plan, in one transaction, or not at all."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bursar import periods
from bursar.errors import InvalidImportState, PlanStale, RowsRejected
from bursar.importing.consequences import require_covered, tell_crossings
from bursar.importing.interpretation import remember
from bursar.importing.mending import require_waiting
from bursar.importing.planning import plan
from bursar.importing.runs import DONE, ENDED, get_run, require_fresh, same_as_before
from bursar.jobs.lease import Lease
from bursar.tenants import get_tenant
from schema.tables import ImportRow, ImportRun, Tenant

log = structlog.get_logger("bursar.importing")
MOVED = "BU001"  # raised by ledger_post_import when an account is not as it was planned
PLANS = 5
TAKEN = "23505"  # unique_violation


def run_import(lease: Lease) -> None:
    """The work of a job of kind `imports.run`: plan, and apply when that was asked for."""
    import_id = UUID(lease.payload["import_id"])
    with lease.transaction() as session:
        run = get_run(session, import_id)
    if run.state in ENDED:
        return
    if run.state != "planned" and not plan(lease, import_id):
        return
    if not run.apply:
        return
    for attempt in range(PLANS):
        try:
            apply_plan(lease)
            break
        except PlanStale:
            # Nobody has looked at this plan, so a new one may take its place.
            if attempt == PLANS - 1 or not plan(lease, import_id):
                raise


def apply_plan(lease: Lease) -> None:
    """The work of a job of kind `imports.apply`: carry out the plan in one transaction.

    Raises PlanStale, RowsRejected, BelowUsed, InvalidImportState.
    """
    import_id = UUID(lease.payload["import_id"])
    lease.checkpoint()
    with lease.transaction() as session:
        run = get_run(session, import_id, lock=True)
        if run.state in DONE:
            return
        if run.state != "planned":
            raise InvalidImportState(f"The import is {run.state}, not planned.")
        if same_as_before(session, run):
            session.flush()
            lease.end(session, "succeeded")
            return
        if run.continues_id is not None:
            require_waiting(session, run)
        if run.rejected_rows and run.mode == "all_or_nothing":
            raise RowsRejected(
                f"{run.rejected_rows:,} of {run.total_rows:,} rows were rejected and the import is"
                " all or nothing, so nothing was loaded. Fix them, or import with skip_errors."
            )
        lease.progress(0, run.total_rows, "applying")
        require_fresh(session, run, creates=False)
        _open_periods(session, run, get_tenant(session))
        _carry_out(session, run, lease.actor)
        session.execute(
            text("select import_refresh_statistics(:created)"), {"created": run.created_rows}
        )
        tell_crossings(session, run)
        remember(session, run)
        run.state = "completed_with_errors" if run.rejected_rows else "completed"
        run.completed_at = func.now()
        lease.progress(run.total_rows, run.total_rows, "completed")
        session.flush()
        session.refresh(run)
        lease.end(session, "succeeded")
    _tell_end(run)


def _tell_end(run: ImportRun) -> None:
    """The event under the names that operators' searches and alarms go by."""
    assert run.completed_at is not None
    took = run.completed_at - (run.started_at or run.created_at)
    log.info(
        "Import completed",
        customerId=str(run.tenant_id),
        importId=str(run.id),
        successRows=run.total_rows - run.rejected_rows,
        errorRows=run.rejected_rows,
        durationMs=round(took.total_seconds() * 1000),
    )


def _carry_out(session: Session, run: ImportRun, actor: str) -> None:
    """Run the plan; whatever came in between is found under the locks. Raises PlanStale,
    BelowUsed.
    """
    try:
        with session.begin_nested():
            session.execute(
                text("select import_apply(:tenant, :import, :source, :actor)"),
                {
                    "tenant": run.tenant_id,
                    "import": run.id,
                    "source": run.source_type,
                    "actor": actor,
                },
            )
            require_covered(session, run)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == MOVED or (state == TAKEN and "uq_budget_natural_key" in str(error.orig)):
            require_fresh(session, run)
            raise PlanStale from None
        raise


def _open_periods(session: Session, run: ImportRun, tenant: Tenant) -> None:
    codes = session.execute(
        select(ImportRow.fiscal_period)
        .where(
            ImportRow.tenant_id == run.tenant_id,
            ImportRow.import_id == run.id,
            ImportRow.action == "create",
        )
        .distinct()
    ).scalars()
    periods.ensure(session, run.tenant_id, [c for c in codes if c], tenant.fiscal_start_month)
