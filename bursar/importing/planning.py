"""Planning an import: read, recognise, map, clean, and decide what each row will do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from uuid import UUID

import structlog
from sqlalchemy import func, text, update
from sqlalchemy.exc import DBAPIError

from bursar import files
from bursar.errors import InvalidAmount, MappingIncomplete, NotABudget
from bursar.importing.choices.confirming import header_fingerprint
from bursar.importing.choices.interpretation import Interpretation, interpret
from bursar.importing.consequences import look_ahead
from bursar.importing.counting import keep_counts, recounted
from bursar.importing.load import limited_statements, rare_collections, stage, told_rows
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.repairing.mending import (
    Rows,
    add_to_earlier,
    attempted_rows,
    refuse_rejected_rows,
    settled_wish,
)
from bursar.importing.runs import get_run, same_as_before, wish_of
from bursar.importing.stored import analyze_stored, clean_stored
from bursar.jobs.lease import Lease
from bursar.tenants import get_tenant
from schema.tables import ImportRun, StoredFile, Tenant

log = structlog.get_logger("bursar.importing")
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
        reading, rows = _read(lease, run, tenant, stored)
    _tell_start(run, reading.analysis)
    if _keep(lease, run, reading, stored):
        return False
    _require_budget(reading)
    try:
        _stage_and_plan(lease, run, rows, reading.analysis.total_rows)
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


def _read(
    lease: Lease, run: ImportRun, tenant: Tenant, stored: StoredFile
) -> tuple[Interpretation, Callable[[], Rows]]:
    """How the file is read, and its rows. Mended rows are read as the file they came from."""
    if run.continues_id is not None:
        with lease.transaction() as session:
            analysis, mended = attempted_rows(session, tenant, run)
        return Interpretation(analysis, settled_wish(run), True, None), lambda: mended
    recognised = analyze_stored(stored, tenant, sheet=run.sheet, header_row=run.header_row)
    with lease.transaction() as session:
        if not run.force_kind:
            refuse_rejected_rows(session, recognised.headers)
        reading = interpret(session, tenant, recognised, wish_of(run))
    return reading, lambda: clean_stored(stored, tenant, reading.analysis, reading.wish)


def _tell_start(run: ImportRun, analysis: Analysis) -> None:
    """Events under the names that operators' searches and alarms go by."""
    named = {"customerId": str(run.tenant_id), "fileName": analysis.file_name}
    log.info("Import started", **named, importId=str(run.id), totalRows=analysis.total_rows)
    if analysis.detection.kind != "budget":
        log.warning(
            "Non-budget file detected",
            **named,
            detectedType=analysis.detection.kind,
            confidence=round(analysis.detection.confidence, 3),
        )


def _keep(lease: Lease, run: ImportRun, reading: Interpretation, stored: StoredFile) -> bool:
    """Write down how the file will be read; True when the same import was done before."""
    analysis = reading.analysis
    with lease.transaction() as session:
        current = get_run(session, run.id, lock=True)
        # With it what templates answered, so that mended rows are read in the same way later.
        current.analysis = {**analysis.to_wire(), "answers": reading.wish.answers or {}}
        current.header_fingerprint = header_fingerprint(analysis.headers)
        current.template_id, current.template_version = reading.template or (None, None)
        current.state = "profiled"
        current.warnings = list(analysis.detection.warnings)
        current.fingerprint = _fingerprint(run, reading, stored)
        done_before = current.apply and same_as_before(session, current)
        session.flush()
        lease.hold(session)
        return done_before


def _fingerprint(run: ImportRun, reading: Interpretation, stored: StoredFile) -> bytes:
    """The same for the same bytes, asked for in the same way and read by the same template."""
    request: list[object] = [run.sheet, run.header_row, run.mapping, run.defaults]
    if run.continues_id is not None:
        request.append(str(run.continues_id))
    if run.answers:
        request.append(run.answers)
    if reading.template and not run.mapping:
        request.append([str(part) for part in reading.template])
    return hashlib.sha256(stored.sha256 + json.dumps(request, sort_keys=True).encode()).digest()


def _require_budget(reading: Interpretation) -> None:
    detection = reading.analysis.detection
    if not reading.is_budget:
        raise NotABudget(
            f"{reading.analysis.file_name} looks like {detection.kind.replace('_', ' ')}"
            f" (confidence {detection.confidence:.2f}). {' '.join(detection.warnings)}"
            " Import it with force_kind if it is a budget."
        )


def _stage_and_plan(lease: Lease, run: ImportRun, rows: Callable[[], Rows], expected: int) -> None:
    def follow(count: int) -> None:
        lease.progress(count, max(count, expected), "reading")
        lease.checkpoint()

    cleaned = rows()
    with lease.transaction() as session, limited_statements(session):
        count = stage(session, cleaned, follow)
        lease.progress(0, count, "planning")

        def planned_more(rows: int) -> None:
            lease.progress(min(lease.done + rows, count), count, "planning")

        with told_rows(session, planned_more):
            planned = session.execute(
                text("select * from import_plan(:tenant, :import)"),
                {"tenant": run.tenant_id, "import": run.id},
            ).all()
        if run.continues_id is not None:
            add_to_earlier(session, run)
            planned = recounted(session, run)
        keep_counts(session, run, planned)
        session.execute(
            update(ImportRun)
            .where(ImportRun.id == run.id)
            .values(consequences=look_ahead(session, run, planned))
        )
        lease.hold(session)


def _await_mapping(lease: Lease, import_id: UUID, error: MappingIncomplete) -> None:
    with lease.transaction() as session:
        run = get_run(session, import_id, lock=True)
        run.state = "awaiting_mapping"
        run.error = {"code": error.code, "detail": error.detail}
        session.flush()
        lease.end(session, "succeeded")
