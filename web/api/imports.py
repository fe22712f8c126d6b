"""Imports: analyse a file, import it, follow it, read its plan, fetch what was rejected."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, g, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, field_validator
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from bursar import files, metrics
from bursar.errors import Fault, InvalidInput
from bursar.importing import runs
from bursar.importing.stored import analyze_stored
from bursar.tenants import get_tenant
from schema.tables import ImportRun
from web import idempotency
from web.api.importing_wire import (
    AnalysisOut,
    ImportOut,
    ImportPage,
    PlanPage,
    RowErrorPage,
    StartedOut,
    plan_row_wire,
    row_error_wire,
    run_wire,
)
from web.api.wire import CurrencyCode, ListQuery, Model, Text, problems
from web.auth import IMPORT, READ, principal, require, transaction
from web.jobs import announce
from web.transfer import receive, send_rejected

api = APIBlueprint(
    "imports", __name__, url_prefix="/api/v1/imports", abp_tags=[Tag(name="Imports")]
)

Header = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
State = Literal[
    "received", "profiled", "awaiting_mapping", "planned", "applying", "completed",
    "completed_with_errors", "failed", "cancelled", "undone",
]  # fmt: skip


class DefaultsIn(Model):
    """Values for fields that no column gives."""

    currency: CurrencyCode | None = None
    fiscal_period: Text | None = None
    department: Text | None = None
    sub_category: Text | None = None


class AnalyzeIn(Model):
    """A file that is here already, to be looked at again."""

    file_id: UUID
    sheet: Text | None = None
    header_row: int | None = Field(None, ge=0, le=10_000)


class ImportIn(Model):
    """How to import a file; as form fields, objects are JSON text."""

    file_id: UUID | None = None
    sheet: Text | None = None
    header_row: int | None = Field(None, ge=0, le=10_000)
    mapping: dict[Header, str | None] | None = None
    defaults: DefaultsIn | None = None
    mode: Literal["all_or_nothing", "skip_errors"] = "all_or_nothing"
    apply: bool = True
    force_kind: bool = False

    @field_validator("mapping", "defaults", mode="before")
    @classmethod
    def _from_json_text(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except RecursionError:
            raise ValueError("nested too deeply") from None


class ImportPath(BaseModel):
    """Which import."""

    import_id: UUID


class ImportFilter(ListQuery):
    """Which imports."""

    state: State | None = None


class PlanQuery(BaseModel):
    """Which rows of a plan, from where."""

    action: Literal["create", "update", "unchanged", "rejected"] | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: int | None = Field(None, ge=0, le=2**31 - 1)


@api.post("/analyze", responses={"200": AnalysisOut, **problems(400, 404, 413)})
@require(IMPORT)
def analyze_file() -> Response:
    """Recognise a file: what it is, its header, which column means what. Loads nothing."""
    uploaded = request.files.get("file")
    with transaction() as session:
        tenant = get_tenant(session)
        if uploaded is not None:
            stored = receive(session, uploaded)
            asked = AnalyzeIn(file_id=stored.id, **_form_fields({"sheet", "header_row"}))
        else:
            asked = AnalyzeIn.model_validate(_json_body())
            stored = files.get_file(session, asked.file_id)
    analysis = analyze_stored(stored, tenant, sheet=asked.sheet, header_row=asked.header_row)
    metrics.UPLOADS.labels(analysis.detection.kind).inc()
    return jsonify({"file_id": str(stored.id), **analysis.to_wire(), "template_id": None})


@api.post("", responses={"202": StartedOut, **problems(400, 404, 413)})
@require(IMPORT)
def start_import() -> Response:
    """Import a file on a worker. Follow it at `Location`, or at `/api/v1/imports/{id}`."""
    who = principal()
    uploaded = request.files.get("file")
    body = _form_fields(None) if uploaded is not None else _json_body()
    asked = ImportIn.model_validate(body)
    if (uploaded is None) == (asked.file_id is None):
        raise InvalidInput(
            "Send either a file or the file_id of one that is here.",
            faults=[Fault("/file", "file_required", "Attach it as the form field `file`.")],
        )
    content = [asked.model_dump(mode="json"), _content_hash(uploaded)]

    def work(session: Session) -> idempotency.Answer:
        stored_id = receive(session, uploaded).id if uploaded is not None else asked.file_id
        assert stored_id is not None
        run = runs.request_import(session, who.tenant_id, stored_id, _wish(asked), who.actor)
        return _started(session, run, "imports.run")

    return idempotency.once(work, content)


def _started(session: Session, run: ImportRun, kind: str) -> idempotency.Answer:
    bell = runs.start(session, run, kind, principal().actor, g.request_id)
    return idempotency.Answer(
        202,
        {"id": str(run.id), "job_id": str(bell.job_id), "state": run.state},
        {"Location": f"/api/v1/jobs/{bell.job_id}"},
        after_commit=lambda: announce(bell),
    )


@api.get("", responses={"200": ImportPage, **problems()})
@require(READ)
def list_imports(query: ImportFilter) -> Response:
    """List imports, newest first."""
    with transaction() as session:
        found = runs.list_runs(session, state=query.state, limit=query.limit, cursor=query.cursor)
        return jsonify(
            data=[run_wire(run, name) for run, name in found.rows], next_cursor=found.next_cursor
        )


@api.get("/<import_id>", responses={"200": ImportOut, **problems(404)})
@require(READ)
def get_import(path: ImportPath) -> Response:
    """Read an import: its state, counts and sums."""
    with transaction() as session:
        run = runs.get_run(session, path.import_id)
        return jsonify(run_wire(run, files.get_file(session, run.file_id).name))


@api.get("/<import_id>/plan", responses={"200": PlanPage, **problems(404)})
@require(READ)
def get_plan(path: ImportPath, query: PlanQuery) -> Response:
    """What each row will do, or did: create, update, unchanged, rejected."""
    with transaction() as session:
        runs.get_run(session, path.import_id)
        found = runs.plan_rows(
            session, path.import_id, action=query.action, after=query.cursor, limit=query.limit
        )
    more = len(found) > query.limit
    found = found[: query.limit]
    cursor = str(found[-1].row_no * 1000 + found[-1].part) if more else None
    return jsonify(data=[plan_row_wire(row) for row in found], next_cursor=cursor)


@api.get("/<import_id>/errors", responses={"200": RowErrorPage, **problems(404)})
@require(READ)
def get_errors(path: ImportPath, query: PlanQuery) -> Response:
    """The errors of the rejected rows, cell by cell; `total` counts rejected rows."""
    with transaction() as session:
        run = runs.get_run(session, path.import_id)
        found = runs.plan_rows(
            # A file that was sent before was not read again: its errors are those of the first.
            session,
            run.duplicate_of or run.id,
            action="rejected",
            after=query.cursor,
            limit=query.limit,
        )
    more = len(found) > query.limit
    found = found[: query.limit]
    cursor = str(found[-1].row_no * 1000 + found[-1].part) if more else None
    errors = [row_error_wire(row, error) for row in found for error in row.errors or []]
    return jsonify(data=errors, next_cursor=cursor, total=run.rejected_rows)


@api.post("/<import_id>/apply", responses={"202": StartedOut, **problems(400, 404, 409)})
@require(IMPORT)
def apply_import(path: ImportPath) -> Response:
    """Apply a planned import, exactly as planned."""

    def work(session: Session) -> idempotency.Answer:
        return _started(session, runs.require_planned(session, path.import_id), "imports.apply")

    return idempotency.once(work, None)


@api.post("/<import_id>/cancel", responses={"202": StartedOut, **problems(400, 404, 409)})
@require(IMPORT)
def cancel_import(path: ImportPath) -> Response:
    """Cancel an import that has not been applied; a running one stops at its next step."""

    def work(session: Session) -> idempotency.Answer:
        run = runs.cancel(session, path.import_id)
        body = {"id": str(run.id), "job_id": str(run.job_id), "state": run.state}
        return idempotency.Answer(202, body)

    return idempotency.once(work, None)


@api.get("/<import_id>/rejected", responses={"200": None, **problems(404)})
@require(READ)
def get_rejected(path: ImportPath) -> Response:
    """The rejected rows as a file of the same kind, with the reasons in a column of their own."""
    with transaction() as session:
        run = runs.get_run(session, path.import_id)
        return send_rejected(session, run)


def _wish(asked: ImportIn) -> runs.Wish:
    defaults = asked.defaults.model_dump(exclude_none=True) if asked.defaults else {}
    return runs.Wish(
        sheet=asked.sheet,
        header_row=asked.header_row,
        mapping=asked.mapping,
        defaults=defaults,
        mode=asked.mode,
        apply=asked.apply,
        force_kind=asked.force_kind,
    )


def _content_hash(uploaded: FileStorage | None) -> str | None:
    if uploaded is None:
        return None
    digest = hashlib.sha256()
    for block in iter(lambda: uploaded.stream.read(files.CHUNK), b""):
        digest.update(block)
    uploaded.stream.seek(0)
    return digest.hexdigest() + (uploaded.filename or "")


def _form_fields(names: set[str] | None) -> dict[str, Any]:
    return {
        key: value
        for key, value in request.form.items()
        if value != "" and (names is None or key in names)
    }


def _json_body() -> Any:
    body = request.get_json(silent=True)
    if body is None:
        raise InvalidInput(
            "Send the file as the form field `file`, or a JSON object with its file_id.",
            faults=[Fault("/file", "file_required", "There was neither.")],
        )
    return body
