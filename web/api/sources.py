"""Sources: places that files come from by themselves."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from sqlalchemy.orm import Session

from bursar.errors import SourceFault
from bursar.sources import editing, pausing, retaking, scheduling
from bursar.sources.editing import NewSource
from connectors.syncing import open_source
from schema.tables import Source
from web import idempotency
from web.api.sources_wire import (
    FileOut,
    FilePage,
    PausesOut,
    RunPage,
    SourceChange,
    SourceFilePath,
    SourceIn,
    SourceOut,
    SourcePage,
    SourcePath,
    SyncOut,
    TestOut,
    file_wire,
    pauses_wire,
    run_wire,
    source_wire,
)
from web.api.wire import ListQuery, problems
from web.auth import OPERATE, READ, known_as, principal, require, transaction
from web.jobs import announce
from web.versions import etag, required_version

api = APIBlueprint(
    "sources", __name__, url_prefix="/api/v1/sources", abp_tags=[Tag(name="Sources")]
)


@api.get("", responses={"200": SourcePage, **problems()})
@require(READ)
def list_sources(query: ListQuery) -> Response:
    """List sources, newest first."""
    with transaction() as session:
        found = editing.list_sources(session, limit=query.limit, cursor=query.cursor)
        data = [_wire(session, row.Source) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post("", responses={"201": SourceOut, **problems(400, 404, 409)})
@require(OPERATE)
def create_source(body: SourceIn) -> Response:
    """Make a source. Its secret is kept encrypted and never given out again."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        given = body.model_dump(exclude={"defaults"})
        defaults = body.defaults.model_dump(exclude_none=True) if body.defaults else None
        new = NewSource(**given, defaults=defaults)
        source = editing.create_source(session, who.tenant_id, new, who.actor)
        session.refresh(source)
        location = f"/api/v1/sources/{source.id}"
        headers = {"Location": location, **etag(source.row_version)}
        return idempotency.Answer(201, _wire(session, source), headers)

    return idempotency.once(work, body.model_dump(mode="json"))


@api.get("/pause", responses={"200": PausesOut, **problems()})
@require(READ)
def get_pause() -> Response:
    """Whether all sources rest, since when and on whose word."""
    with transaction() as session:
        return jsonify(pauses_wire(pausing.pauses(session)))


@api.post("/pause", responses={"200": PausesOut, **problems(400, 409)})
@require(OPERATE)
def pause_sources() -> Response:
    """Let all sources rest: no run and no alarm by their schedules. By hand they still run."""

    def work(session: Session) -> idempotency.Answer:
        pausing.pause_tenant(session, known_as())
        return idempotency.Answer(200, pauses_wire(pausing.pauses(session)))

    return idempotency.once(work, {})


@api.post("/resume", responses={"200": PausesOut, **problems(400, 409)})
@require(OPERATE)
def resume_sources() -> Response:
    """End the tenant's pause. What was due meanwhile runs once; what was late is no alarm."""

    def work(session: Session) -> idempotency.Answer:
        pausing.resume_tenant(session)
        return idempotency.Answer(200, pauses_wire(pausing.pauses(session)))

    return idempotency.once(work, {})


@api.get("/<source_id>", responses={"200": SourceOut, **problems(404)})
@require(READ)
def get_source(path: SourcePath) -> Response:
    """Read a source."""
    with transaction() as session:
        source = editing.get_source(session, path.source_id)
        return make_response(jsonify(_wire(session, source)), 200, etag(source.row_version))


@api.patch("/<source_id>", responses={"200": SourceOut, **problems(404, 409, 412, 428)})
@require(OPERATE)
def change_source(path: SourcePath, body: SourceChange) -> Response:
    """Change a source. A failing one gets a fresh start."""
    version = required_version()
    with transaction() as session:
        source = editing.get_source(session, path.source_id, lock=True)
        changes: dict[str, Any] = body.model_dump(exclude_unset=True)
        if "defaults" in changes:
            given = body.defaults
            changes["defaults"] = given.model_dump(exclude_none=True) if given else {}
        editing.change_source(session, source, version, changes)
        session.refresh(source)
        return make_response(jsonify(_wire(session, source)), 200, etag(source.row_version))


@api.delete("/<source_id>", responses={"204": None, **problems(404)})
@require(OPERATE)
def delete_source(path: SourcePath) -> Response:
    """Take a source away, with its secret. What it has loaded stays."""
    with transaction() as session:
        editing.delete_source(session, editing.get_source(session, path.source_id, lock=True))
    return make_response("", 204)


@api.post("/<source_id>/test", responses={"200": TestOut, **problems(404)})
@require(OPERATE)
def try_source(path: SourcePath) -> Response:
    """Connect, sign in and look, and name what stands in the way. Nothing is taken."""
    with transaction() as session:
        source = editing.get_source(session, path.source_id)
        secret = editing.read_secret(session, source)
    try:
        with open_source(source, secret) as place:
            seen = place.check()
    except SourceFault as fault:
        shown = {name: fault.extra.get(name) for name in ("host_key", "fingerprint")}
        return jsonify(ok=False, cause=fault.cause, code=fault.code, detail=fault.detail, **shown)
    return jsonify(ok=True, cause="ok", code="ok", detail=seen, host_key=None, fingerprint=None)


@api.post("/<source_id>/sync", responses={"202": SyncOut, **problems(400, 404, 409)})
@require(OPERATE)
def sync_source(path: SourcePath) -> Response:
    """Look at a source now. A run that is under way already is answered instead of another."""

    def work(session: Session) -> idempotency.Answer:
        source = editing.get_source(session, path.source_id, lock=True)
        run, bell = scheduling.start_run(session, source, "manual", principal().actor)
        assert run is not None
        return idempotency.Answer(
            202,
            {"id": str(run.id), "job_id": str(run.job_id), "state": run.state},
            {"Location": f"/api/v1/jobs/{run.job_id}"},
            after_commit=lambda: announce(bell) if bell else None,
        )

    return idempotency.once(work, {"source_id": str(path.source_id)})


@api.get("/<source_id>/runs", responses={"200": RunPage, **problems(404)})
@require(READ)
def list_runs(path: SourcePath, query: ListQuery) -> Response:
    """List the runs of a source, newest first."""
    with transaction() as session:
        editing.get_source(session, path.source_id)
        found = editing.list_runs(session, path.source_id, limit=query.limit, cursor=query.cursor)
        data = [run_wire(row.SourceRun) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.get("/<source_id>/files", responses={"200": FilePage, **problems(404)})
@require(READ)
def list_files(path: SourcePath, query: ListQuery) -> Response:
    """List the files that were seen at a source, newest first."""
    with transaction() as session:
        editing.get_source(session, path.source_id)
        found = editing.list_files(session, path.source_id, limit=query.limit, cursor=query.cursor)
        data = [file_wire(row.SourceFile) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post(
    "/<source_id>/files/<file_id>/retake", responses={"200": FileOut, **problems(400, 404, 409)}
)
@require(OPERATE)
def retake_file(path: SourceFilePath) -> Response:
    """Take a file again that failed or was not taken. Bytes that are kept are imported at once."""

    def work(session: Session) -> idempotency.Answer:
        source = editing.get_source(session, path.source_id, lock=True)
        file, bell = retaking.retake(session, source, path.file_id, principal().actor)
        return idempotency.Answer(
            200, file_wire(file), after_commit=lambda: announce(bell) if bell else None
        )

    return idempotency.once(work, path.model_dump(mode="json"))


def _wire(session: Session, source: Source) -> dict[str, Any]:
    return source_wire(source, has_secret=editing.has_secret(session, source))
