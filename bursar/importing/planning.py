"""Planning an import: read, recognise, map, clean, and decide what each row will do."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import InvalidAmount, MappingIncomplete, NotABudget
from bursar.importing.analysis import Analysis
from bursar.importing.load import limited_statements, rare_collections, stage, told_rows
from bursar.importing.runs import Wish, get_run, same_as_before
from bursar.importing.stored import analyze_stored, clean_stored
from bursar.jobs.lease import Lease
from bursar.tenants import get_tenant
from schema.tables import ImportRun, StoredFile, Tenant

OVERFLOW = "22003"  # numeric_value_out_of_range


def plan(lease: Lease, import_id: UUID) -> bool:
    """Write the plan of an import. False: there is nothing left to apply.

    Raises NotABudget, UnreadableFile and its kin, InvalidInput for a mapping that does not fit.
    """
    with lease.transaction() as session:
        run = get_run(session, import_id)
        tenant = get_tenant(session)
        stored = files.get_file(session, run.file_id)
        run.started_at = run.started_at or func.now()
        session.flush()
        lease.hold(session)
    lease.progress(0, None, "reading")
    with rare_collections():
        analysis = analyze_stored(stored, tenant, sheet=run.sheet, header_row=run.header_row)
    if _keep(lease, run, analysis, stored):
        return False
    _require_budget(analysis, run)
    try:
        _stage_and_plan(lease, run, tenant, stored, analysis)
    except MappingIncomplete as error:
        _await_mapping(lease, import_id, error)
        return False
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != OVERFLOW:
            raise
        raise InvalidAmount(
            "Rows of one budget add up to more than 9,999,999,999,999,999.9999."
        ) from None
    return True


def _keep(lease: Lease, run: ImportRun, analysis: Analysis, stored: StoredFile) -> bool:
    """Write down what was recognised; True when the same import was done before."""
    request = json.dumps([run.sheet, run.header_row, run.mapping, run.defaults], sort_keys=True)
    with lease.transaction() as session:
        current = get_run(session, run.id, lock=True)
        current.analysis = analysis.to_wire()
        current.state = "profiled"
        current.warnings = list(analysis.detection.warnings)
        current.fingerprint = hashlib.sha256(stored.sha256 + request.encode()).digest()
        done_before = current.apply and same_as_before(session, current)
        session.flush()
        lease.hold(session)
        return done_before


def _require_budget(analysis: Analysis, run: ImportRun) -> None:
    detection = analysis.detection
    if detection.kind != "budget" and not run.force_kind:
        raise NotABudget(
            f"{analysis.file_name} looks like {detection.kind.replace('_', ' ')}"
            f" (confidence {detection.confidence:.2f}). {' '.join(detection.warnings)}"
            " Import it with force_kind if it is a budget."
        )


def _stage_and_plan(
    lease: Lease, run: ImportRun, tenant: Tenant, stored: StoredFile, analysis: Analysis
) -> None:
    def follow(count: int) -> None:
        lease.progress(count, max(count, analysis.total_rows), "reading")
        lease.checkpoint()

    wish = Wish(mapping=run.mapping, defaults=run.defaults)
    rows = clean_stored(stored, tenant, analysis, wish)
    with lease.transaction() as session, limited_statements(session):
        count = stage(session, rows, follow)
        lease.progress(0, count, "planning")

        def planned_more(rows: int) -> None:
            lease.progress(min(lease.done + rows, count), count, "planning")

        with told_rows(session, planned_more):
            planned = session.execute(
                text("select * from import_plan(:tenant, :import)"),
                {"tenant": run.tenant_id, "import": run.id},
            ).all()
        _count(session, run, planned)
        lease.hold(session)


def _await_mapping(lease: Lease, import_id: UUID, error: MappingIncomplete) -> None:
    with lease.transaction() as session:
        run = get_run(session, import_id, lock=True)
        run.state = "awaiting_mapping"
        run.error = {"code": error.code, "detail": error.detail}
        session.flush()
        lease.end(session, "succeeded")


def _count(session: Session, run: ImportRun, planned: Sequence[Any]) -> None:
    """Write the plan's counts and sums (by currency, as decimal text) on the run."""
    counts: Counter[str] = Counter()
    before: defaultdict[str, Decimal] = defaultdict(Decimal)
    after: defaultdict[str, Decimal] = defaultdict(Decimal)
    for group in planned:
        counts[group.action] += group.row_count
        if group.action != "rejected":
            before[group.currency] += group.before or Decimal(0)
            after[group.currency] += group.after
    session.execute(
        update(ImportRun)
        .where(ImportRun.id == run.id)
        .values(
            state="planned",
            total_rows=counts.total(),
            created_rows=counts["create"],
            updated_rows=counts["update"],
            unchanged_rows=counts["unchanged"],
            rejected_rows=counts["rejected"],
            amounts={
                currency: {"before": str(before[currency]), "after": str(after[currency])}
                for currency in sorted(after)
            },
        )
    )
