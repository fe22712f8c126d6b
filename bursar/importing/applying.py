"""Applying a plan: exactly the plan, in one transaction, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from uuid import UUID

import structlog
from sqlalchemy import func, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bursar import periods
from bursar.errors import InvalidImportState, PeriodClosed, PlanStale, RowsRejected
from bursar.importing.choices.interpretation import remember
from bursar.importing.consequences import require_covered, tell_crossings
from bursar.importing.load import limited_statements
from bursar.importing.planning import plan
from bursar.importing.repairing.mending import require_waiting
from bursar.importing.runs import DONE, ENDED, get_run, require_fresh, same_as_before
from bursar.jobs.lease import Lease
from bursar.tenants import get_tenant
from schema.tables import ImportRun, Tenant

log = structlog.get_logger("bursar.importing")
MOVED = "BU001"  # raised by ledger_open_import when an account is not as it was planned
PLANS = 5
TAKEN = "23505"  # unique_violation
PAGES = 400  # of a plan's layout at once: about 20,000 budgets, whose pages then stay in memory

# Told in the transaction that loads the rows, so that what follows from them is in it too.
AndThen = Callable[[Session, ImportRun], None]

_APPLY = text(
    "select import_apply(:tenant, :import, :source, :actor, cast(:periods as jsonb),"
    " cast(:first as tid), cast(:past as tid))"
)


def run_import(
    lease: Lease,
    may_apply: Callable[[Lease, UUID], bool] = lambda _lease, _import: True,
    and_then: AndThen = lambda _session, _run: None,
) -> None:
    """The work of a job of kind `imports.run`: plan, and apply when that was asked for.

    `may_apply` looks at the plan before it is applied; where it says no, the import stays planned.
    `and_then` is told of an import that is loaded, before the transaction ends.
    """
    import_id = UUID(lease.payload["import_id"])
    with lease.transaction() as session:
        run = get_run(session, import_id)
    if run.state in ENDED:
        return
    if run.state != "planned" and not plan(lease, import_id):
        return
    if not run.apply or not may_apply(lease, import_id):
        return
    for attempt in range(PLANS):
        try:
            apply_plan(lease, and_then)
        except PlanStale:
            # Nobody has looked at this plan, so a new one may take its place.
            if attempt == PLANS - 1:
                raise
        else:
            return
        if not plan(lease, import_id):
            return


def apply_plan(lease: Lease, and_then: AndThen = lambda _session, _run: None) -> None:
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
        require_waiting(session, run)
        if run.rejected_rows and run.mode == "all_or_nothing":
            raise RowsRejected(
                f"{run.rejected_rows:,} of {run.total_rows:,} rows were rejected and the import is"
                " all or nothing, so nothing was loaded. Fix them, or import with skip_errors."
            )
        lease.progress(0, run.total_rows, "applying")
        with limited_statements(session):
            if run.updated_rows or run.unchanged_rows:
                require_fresh(session, run, creates=False)
            if run.created_rows or run.updated_rows:
                _carry_out(session, run, lease)
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
        and_then(session, run)
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


def _carry_out(session: Session, run: ImportRun, lease: Lease) -> None:
    """Run the plan; whatever came in between is found under the locks. Raises PlanStale,
    BelowUsed.
    """
    try:
        with session.begin_nested():
            names: dict[str, object] = {"tenant": run.tenant_id, "import": run.id}
            pages: int = session.execute(
                text("select ledger_open_import(:tenant, :import)"), names
            ).scalar_one()
            names |= {"source": run.source_type, "actor": lease.actor}
            names["periods"] = json.dumps(_open_periods(session, get_tenant(session)))
            done = 0
            for portion in _portions(pages):
                done += session.execute(_APPLY, names | portion).scalar_one()
                lease.progress(min(done, run.total_rows), run.total_rows, "applying")
                lease.checkpoint()
            require_covered(session, run)
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == MOVED or (state == TAKEN and "uq_budget_natural_key" in str(error.orig)):
            require_fresh(session, run)
            raise PlanStale from None
        raise


def _portions(pages: int) -> Iterator[dict[str, str]]:
    """Even shares of a layout's pages, each of at most PAGES."""
    shares = -(-pages // PAGES)
    ends = [pages * n // shares for n in range(shares + 1)]
    for first, past in pairwise(ends):
        yield {"first": f"({first},0)", "past": f"({past},0)"}


def _open_periods(session: Session, tenant: Tenant) -> dict[str, str]:
    """The id of each period that takes new budgets, by its code; those not there are opened.

    Raises PlanStale when one was closed since the plan was made.
    """
    codes = session.execute(
        text("select distinct fiscal_period from pg_temp.import_target where is_new")
    ).scalars()
    ids = periods.ensure(session, tenant.id, list(codes), tenant.fiscal_start_month)
    try:
        for period_id in sorted(ids.values()):
            periods.require_open(session, period_id)
    except PeriodClosed:
        raise PlanStale from None
    return {code: str(found) for code, found in ids.items()}
