"""What can be done with an import: read its plan, apply or cancel it, mend what was rejected."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidInput
from bursar.importing import consequences, history, runs
from bursar.importing.repairing import mending, undoing
from web import idempotency
from web.api.importing_wire import (
    ImportPath,
    MendingOut,
    PlanPage,
    RowErrorPage,
    StartedOut,
    UndoOut,
    plan_row_wire,
    row_error_wire,
)
from web.api.wire import problems
from web.auth import IMPORT, READ, principal, require, transaction
from web.jobs import started
from web.transfer import content_hash, receive, send_rejected

api = APIBlueprint(
    "import_steps", __name__, url_prefix="/api/v1/imports", abp_tags=[Tag(name="Imports")]
)


class ApplyQuery(BaseModel):
    """How to apply a plan."""

    allow_below_used: bool = False


class PlanQuery(BaseModel):
    """Which rows of a plan, from where."""

    action: Literal["create", "update", "unchanged", "rejected"] | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: int | None = Field(None, ge=0, le=2**31 - 1)


@api.get("/<import_id>/plan", responses={"200": PlanPage, **problems(404)})
@require(READ)
def get_plan(path: ImportPath, query: PlanQuery) -> Response:
    """What each row will do, or did: create, update, unchanged, rejected."""
    with transaction() as session:
        runs.get_run(session, path.import_id)
        found = history.plan_rows(
            session, path.import_id, action=query.action, after=query.cursor, limit=query.limit
        )
    more = len(found) > query.limit
    found = found[: query.limit]
    cursor = str(found[-1].row_no * 1000 + found[-1].part) if more else None
    return jsonify(data=[plan_row_wire(row) for row in found], next_cursor=cursor)


@api.get("/<import_id>/errors", responses={"200": RowErrorPage, **problems(404)})
@require(READ)
def get_errors(path: ImportPath, query: PlanQuery) -> Response:
    """The errors of the rows that are still rejected, cell by cell; `total` counts those rows."""
    with transaction() as session:
        run = runs.get_run(session, path.import_id)
        # A file that was sent before was not read again: its errors are those of the first.
        run = runs.get_run(session, run.duplicate_of) if run.duplicate_of else run
        found = history.rejected_rows(session, run, after=query.cursor, limit=query.limit)
        total = history.standing_of(session, run).rejected
    more = len(found) > query.limit
    found = found[: query.limit]
    cursor = str(found[-1].row_no * 1000 + found[-1].part) if more else None
    errors = [row_error_wire(row, error) for row in found for error in row.errors or []]
    return jsonify(data=errors, next_cursor=cursor, total=total)


@api.post("/<import_id>/rejected", responses={"202": MendingOut, **problems(400, 404, 409, 413)})
@require(IMPORT)
def send_mended(path: ImportPath) -> Response:
    """Go on with an import: the file of its rejected rows, mended, as the form field `file`.

    The import stands as one with its attempts; `attempt_id` is the run of this one.
    """
    with transaction() as session:
        runs.get_run(session, path.import_id)
    uploaded = request.files.get("file")
    if uploaded is None:
        raise InvalidInput(
            "Send the file of the rejected rows, mended.",
            faults=[Fault("/file", "file_required", "Attach it as the form field `file`.")],
        )
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        stored = receive(session, uploaded)
        run = mending.request_mending(
            session,
            path.import_id,
            stored.id,
            who.actor,
            allow_below_used=request.form.get("allow_below_used") == "true",
        )
        answer = started(session, run, "imports.run")
        answer.body |= {"id": str(run.continues_id), "attempt_id": str(run.id)}
        return answer

    return idempotency.once(work, content_hash(uploaded))


@api.post("/<import_id>/apply", responses={"202": StartedOut, **problems(400, 404, 409)})
@require(IMPORT)
def apply_import(path: ImportPath, query: ApplyQuery) -> Response:
    """Apply a planned import, exactly as planned.

    Where budgets with strict control would fall below what is used on them it is refused, unless
    `allow_below_used`.
    """

    def work(session: Session) -> idempotency.Answer:
        run = runs.require_planned(
            session, _standing_for(session, path), allow_below_used=query.allow_below_used
        )
        consequences.require_allowed(run)
        return started(session, run, "imports.apply")

    return idempotency.once(work, query.allow_below_used)


@api.post("/<import_id>/cancel", responses={"202": StartedOut, **problems(400, 404, 409)})
@require(IMPORT)
def cancel_import(path: ImportPath) -> Response:
    """Cancel an import that has not been applied; a running one stops at its next step."""

    def work(session: Session) -> idempotency.Answer:
        run = runs.cancel(session, _standing_for(session, path))
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


@api.get("/<import_id>/undo", responses={"200": UndoOut, **problems(404, 409)})
@require(READ)
def preview_undo(path: ImportPath) -> Response:
    """What undoing an import would do now: which budgets go back, and which stay and why."""
    with transaction() as session:
        return jsonify(undoing.preview_undo(session, path.import_id).to_wire())


@api.post("/<import_id>/undo", responses={"202": StartedOut, **problems(400, 404, 409)})
@require(IMPORT)
def undo_import(path: ImportPath) -> Response:
    """Take an import back. Budgets that were used or changed since stay, and are named."""

    def work(session: Session) -> idempotency.Answer:
        return started(session, undoing.request_undo(session, path.import_id), "imports.undo")

    return idempotency.once(work, None)


def _standing_for(session: Session, path: ImportPath) -> UUID:
    """The run that an import is at: its own, or its newest attempt at mended rows."""
    run = runs.get_run(session, path.import_id)
    return mending.attempts_of(session, run).newest.id if run.continues_id is None else run.id
