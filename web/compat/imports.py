"""Analyse and import files by the documents' routes, waiting a while for the worker."""

from __future__ import annotations

import csv
import io
import time
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, make_response, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from bursar import files, metrics
from bursar.config import settings
from bursar.errors import Fault, InvalidInput
from bursar.importing import history, runs
from bursar.importing.choices.interpretation import interpret
from bursar.importing.runs import ENDED, Wish
from bursar.importing.stored import analyze_stored
from bursar.tenants import get_tenant
from schema.tables import ImportRun, Job, StoredFile
from web.api.wire import time_text
from web.auth import IMPORT, READ, principal, require, transaction
from web.compat.wire import body, camel, require_own, snake
from web.jobs import announce
from web.transfer import receive, store_bytes

blueprint = Blueprint("compat_imports", __name__)
_ERRORS = 100
_STEP_SECONDS = 0.03
_WAITS = {"planned", "awaiting_mapping"}
_ENDED_JOBS = {"succeeded", "failed", "dead", "cancelled"}


@blueprint.post("/api/excel/analyze")
@require(IMPORT)
def analyze_file() -> Response:
    """Recognise a file: headers, samples, mappings, what kind of file it is."""
    given = body()
    require_own(given)
    uploaded = _uploaded()
    with transaction() as session:
        tenant = get_tenant(session)
        stored = receive(session, uploaded)
    recognised = analyze_stored(stored, tenant)
    metrics.UPLOADS.labels(recognised.detection.kind).inc()
    with transaction() as session:
        found = interpret(session, tenant, recognised, Wish()).analysis
    detection = found.detection
    return jsonify(
        success=True,
        fileId=str(stored.id),
        fileName=stored.name,
        totalRows=found.total_rows,
        headers=list(found.headers),
        sampleRows=[list(row) for row in found.sample_rows],
        mappings=[
            {
                "sourceColumn": column.header,
                "targetField": camel(column.target) if column.target else None,
                "confidence": round(column.confidence, 3),
                "reason": column.reason,
            }
            for column in found.columns
        ],
        fileTypeDetection={
            "likelyFileType": detection.kind,
            "confidence": round(detection.confidence, 3),
            "budgetConfidence": round(detection.budget_confidence, 3),
            "warnings": list(detection.warnings),
        },
        canProceed=found.can_proceed,
    )


@blueprint.post("/api/excel/import")
@require(IMPORT)
def import_file() -> Response:
    """Import rows, or a file that was analysed, with confirmed mappings."""
    given = body()
    require_own(given)
    mapping = _mapping(given.get("mappings"))
    with transaction() as session:
        if given.get("fileId"):
            stored = files.get_file(session, _uuid(given["fileId"]))
        else:
            content = _csv_of(given, list(mapping))
            stored = store_bytes(session, _name(given.get("fileName")), content)
    return _import(given, stored, mapping or None)


@blueprint.post("/api/sync/upload")
@require(IMPORT)
def upload() -> Response:
    """Upload a file and import it as it is recognised, in one step."""
    given = body()
    require_own(given)
    uploaded = _uploaded()
    with transaction() as session:
        stored = receive(session, uploaded)
    return _import(given, stored, None)


@blueprint.get("/api/imports/history")
@require(READ)
def list_history() -> Response:
    """Imports, newest first."""
    require_own(request.args)
    text = request.args.get("limit", "50")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if not 1 <= limit <= 200:
        raise InvalidInput(
            "The limit is a number from 1 to 200.",
            faults=[Fault("/limit", "invalid_limit", f"{text!r} is not.")],
        )
    with transaction() as session:
        found = history.list_runs(session, limit=limit)
        standings = history.standings_of(session, [run for run, _ in found.rows])
        imports = [_history_wire(session, run, name, standings[run.id]) for run, name in found.rows]
    return jsonify(success=True, imports=imports)


def _uploaded() -> FileStorage:
    """The file of the form."""
    uploaded = request.files.get("file")
    if uploaded is None:
        raise InvalidInput(
            "Send the file.",
            faults=[Fault("/file", "file_required", "Attach it as the form field `file`.")],
        )
    return uploaded


def _history_wire(
    session: Session, run: ImportRun, name: str, standing: history.Standing
) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "customerId": str(run.tenant_id),
        "fileName": name,
        "sourceType": run.source_type,
        "status": standing.state,
        "totalRows": standing.total,
        "successRows": _loaded(standing),
        "errorRows": standing.rejected,
        "errors": _errors(session, run) if standing.rejected or standing.error else None,
        "createdAt": time_text(run.created_at),
        "completedAt": time_text(run.completed_at),
    }


def _loaded(standing: history.Standing) -> int:
    if standing.state not in runs.DONE:
        return 0
    return standing.created + standing.updated + standing.unchanged


def _errors(session: Session, run: ImportRun) -> list[dict[str, Any]]:
    """What went wrong: the import as a whole, and at most _ERRORS cells."""
    whole = [run.error] if run.error else []
    rows = history.rejected_rows(session, run, after=None, limit=_ERRORS)
    cells = [{"row": row.row_no, **error} for row in rows for error in row.errors or []]
    return [*whole, *cells[:_ERRORS]]


def _import(
    given: dict[str, Any], stored: StoredFile, mapping: dict[str, str | None] | None
) -> Response:
    """Queue the import and wait for it. What it could not load is said; the rest is loaded."""
    who = principal()
    wish = Wish(
        mapping=mapping,
        defaults={
            snake(name): str(value)
            for name, value in (given.get("defaults") or {}).items()
            if value
        }
        if isinstance(given.get("defaults"), dict)
        else {},
        mode="skip_errors",
        force_kind=str(given.get("forceKind")).lower() == "true",
    )
    with transaction() as session:
        run = runs.request_import(session, who.tenant_id, stored.id, wish, who.actor)
        bell = runs.start(session, run, "imports.run", who.actor, g.request_id)
    announce(bell)
    ended = _wait(run.id, bell.job_id)
    with transaction() as session:
        run = runs.get_run(session, run.id)
        standing = history.standing_of(session, run)
        done = standing.state in runs.DONE
        answer = {
            "success": done or not ended,
            "importId": str(run.id),
            "status": standing.state,
            "imported": _loaded(standing),
            "errors": _errors(session, run),
            "stats": {
                "totalRows": standing.total,
                "successRows": _loaded(standing),
                "errorRows": standing.rejected,
            },
        }
    status = 200 if done else 422 if ended else 202
    return make_response(jsonify(answer), status)


def _wait(import_id: UUID, job_id: UUID) -> bool:
    """Whether the import ended within the time that a request may wait."""
    deadline = time.monotonic() + settings().wait_seconds
    while True:
        with transaction() as session:
            state = session.execute(
                select(ImportRun.state).where(ImportRun.id == import_id)
            ).scalar_one()
            job = session.execute(
                select(func.coalesce(func.max(Job.state), "")).where(Job.id == job_id)
            ).scalar_one()
        if state in ENDED or (state in _WAITS and job in _ENDED_JOBS):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_STEP_SECONDS)


def _mapping(given: Any) -> dict[str, str | None]:
    """`[{sourceColumn, targetField}]` as header to target. Raises InvalidInput."""
    if given is None:
        return {}
    if not isinstance(given, list) or not all(
        isinstance(pair, dict) and isinstance(pair.get("sourceColumn"), str) for pair in given
    ):
        raise InvalidInput(
            "`mappings` is a list of objects with sourceColumn and targetField.",
            faults=[Fault("/mappings", "invalid_mappings", "Write [{sourceColumn, targetField}].")],
        )
    return {
        pair["sourceColumn"]: snake(str(pair["targetField"])) if pair.get("targetField") else None
        for pair in given
    }


def _csv_of(given: dict[str, Any], mapped: list[str]) -> bytes:
    """The rows of the request as a file, under their headers. Raises InvalidInput."""
    rows = given.get("rows")
    headers = given.get("headers") or mapped
    named = isinstance(headers, list) and all(isinstance(header, str) for header in headers)
    if not isinstance(rows, list) or not rows or not headers or not named:
        raise InvalidInput(
            "Send fileId, or mappings and rows.",
            faults=[Fault("/rows", "rows_required", "There are no rows, or no headers for them.")],
        )
    faults = [
        Fault(f"/rows/{n}", "row_too_wide", f"The row has no header for each of its cells: {row}.")
        for n, row in enumerate(rows)
        if not isinstance(row, list) or len(row) > len(headers)
    ]
    if faults:
        raise InvalidInput(
            "Rows are lists as wide as `headers`, or as `mappings` where there are none.",
            faults=faults[:_ERRORS],
        )
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(headers)
    writer.writerows(["" if cell is None else str(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _name(given: Any) -> str:
    name = str(given or "rows")
    return name if name.lower().endswith(".csv") else f"{name}.csv"


def _uuid(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise InvalidInput(
            "The fileId is no id.", faults=[Fault("/fileId", "uuid_parsing", "Send a UUID.")]
        ) from None
