"""Imports: analyse a file, import it, and follow it."""

from __future__ import annotations

import json
from typing import Any, Literal
from uuid import UUID

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field, field_validator
from sqlalchemy.orm import Session

from bursar import files, metrics
from bursar.errors import Fault, InvalidInput
from bursar.importing import history, runs
from bursar.importing.choices.interpretation import interpret
from bursar.importing.stored import analyze_stored
from bursar.tenants import get_tenant
from web import idempotency
from web.api.analysis_wire import AnalysisOut
from web.api.importing_asked import AnswersIn, DefaultsIn, Header, answers_of
from web.api.importing_wire import (
    ImportOut,
    ImportPage,
    ImportPath,
    StartedOut,
    run_wire,
)
from web.api.wire import ListQuery, Model, Text, problems
from web.auth import IMPORT, READ, principal, require, transaction
from web.jobs import started
from web.transfer import content_hash, receive

api = APIBlueprint(
    "imports", __name__, url_prefix="/api/v1/imports", abp_tags=[Tag(name="Imports")]
)

State = Literal[
    "received", "profiled", "awaiting_mapping", "planned", "applying", "completed",
    "completed_with_errors", "failed", "cancelled", "undone",
]  # fmt: skip


class AnalyzeIn(Model):
    """A file that is here already, to be looked at again."""

    file_id: UUID
    sheet: Text | None = None
    header_row: int | None = Field(None, ge=0, le=10_000)


class ImportIn(AnswersIn):
    """How to import a file; as form fields, objects are JSON text."""

    file_id: UUID | None = None
    sheet: Text | None = None
    header_row: int | None = Field(None, ge=0, le=10_000)
    mapping: dict[Header, str | None] | None = None
    defaults: DefaultsIn | None = None
    mode: Literal["all_or_nothing", "skip_errors"] = "all_or_nothing"
    apply: bool = True
    force_kind: bool = False
    allow_below_used: bool = False

    @field_validator("mapping", "defaults", "decimal_marks", "unit", "units", mode="before")
    @classmethod
    def _from_json_text(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except RecursionError:
            raise ValueError("nested too deeply") from None


class ImportFilter(ListQuery):
    """Which imports."""

    state: State | None = None


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
    recognised = analyze_stored(stored, tenant, sheet=asked.sheet, header_row=asked.header_row)
    metrics.UPLOADS.labels(recognised.detection.kind).inc()
    with transaction() as session:
        reading = interpret(session, tenant, recognised, runs.Wish())
    template_id = str(reading.template[0]) if reading.template else None
    return jsonify(
        {"file_id": str(stored.id), **reading.analysis.to_wire(), "template_id": template_id}
    )


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
    content = [asked.model_dump(mode="json"), content_hash(uploaded)]

    def work(session: Session) -> idempotency.Answer:
        stored_id = receive(session, uploaded).id if uploaded is not None else asked.file_id
        assert stored_id is not None
        run = runs.request_import(session, who.tenant_id, stored_id, _wish(asked), who.actor)
        return started(session, run, "imports.run")

    return idempotency.once(work, content)


@api.get("", responses={"200": ImportPage, **problems()})
@require(READ)
def list_imports(query: ImportFilter) -> Response:
    """List imports, newest first."""
    with transaction() as session:
        found = history.list_runs(
            session, state=query.state, limit=query.limit, cursor=query.cursor
        )
        standings = history.standings_of(session, [run for run, _ in found.rows])
        data = [run_wire(run, name, standings[run.id]) for run, name in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.get("/<import_id>", responses={"200": ImportOut, **problems(404)})
@require(READ)
def get_import(path: ImportPath) -> Response:
    """Read an import: its state, counts and sums."""
    with transaction() as session:
        run = runs.get_run(session, path.import_id)
        name = files.get_file(session, run.file_id).name
        return jsonify(run_wire(run, name, history.standing_of(session, run)))


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
        answers=answers_of(asked),
        allow_below_used=asked.allow_below_used,
    )


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
