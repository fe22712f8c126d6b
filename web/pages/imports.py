"""Imports: the list, one import while it runs and after, and what can be done with it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import PlanStale
from bursar.importing import consequences, history, runs
from bursar.jobs import rows as jobs
from bursar.members import names_of
from schema.tables import ImportRun, Job
from schema.tables.imports import IMPORT_STATES
from web.auth import IMPORT, READ, principal, require, transaction
from web.jobs import announce
from web.transfer import send_rejected

blueprint = Blueprint("import_pages", __name__, url_prefix="/imports")
ACTIONS = ("create", "update", "unchanged", "rejected")
_ROWS = 50

# What to do about an import that failed with this code.
ADVICE = {
    "not_a_budget": "If it is a budget after all, review the mapping and tick"
    " “This is a budget”. If not, upload the right file.",
    "rows_rejected": "Download the rejected rows, mend them and import them; or review the mapping"
    " and choose “Skip rows with errors”.",
    "plan_stale": "Somebody changed these budgets meanwhile. Import the file again to see a new"
    " preview.",
    "unreadable_file": "Open the file, save it anew as XLSX or CSV, and upload that.",
    "empty_file": "Export the file again and check that it holds a table.",
}
OTHER_ADVICE = "Review the mapping and import the file again."


@blueprint.get("")
@require(READ)
def index() -> Any:
    """All imports, newest first."""
    state = request.args.get("state", "")
    state = state if state in IMPORT_STATES else ""
    with transaction() as session:
        found = history.list_runs(
            session, state=state or None, limit=25, cursor=request.args.get("cursor") or None
        )
    return render_template("imports.html", imports=found, state=state, states=IMPORT_STATES)


@blueprint.get("/<uuid:import_id>")
@require(READ)
def show(import_id: UUID) -> Any:
    """How far an import is, what it would do, or what came of it, row by row."""
    action = request.args.get("action", "")
    action = action if action in ACTIONS else ""
    cursor = request.args.get("cursor", "")
    after = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else None
    with transaction() as session:
        run = runs.get_run(session, import_id)
        job = _job_of(session, run)
        standing = history.standing_of(session, run)
        rows = history.plan_rows(
            session, import_id, action=action or None, after=after, limit=_ROWS
        )
        waiting = history.rejected_rows(session, run, after=None, limit=_ROWS)
        name = files.get_file(session, run.file_id).name
        moved = _moved_rows(session, run)
        names = names_of(session, [run.created_by])
    shown = rows[:_ROWS]
    following = shown[-1].row_no * 1000 + shown[-1].part if len(rows) > _ROWS else None
    return render_template(
        "import_run.html",
        run=run,
        names=names,
        standing=standing,
        job=job,
        working=_working(run, job),
        name=name,
        sums={c: {n: Decimal(v) for n, v in pair.items()} for c, pair in standing.amounts.items()},
        moved=moved,
        rows=shown,
        rejected=waiting[:_ROWS],
        action=action,
        actions=ACTIONS,
        next_cursor=following,
        advice=ADVICE.get((standing.error or {}).get("code", ""), OTHER_ADVICE),
    )


def _moved_rows(session: Session, run: ImportRun) -> list[int]:
    """Rows of a plan that no longer fit the budgets as they are."""
    if run.state != "planned":
        return []
    try:
        runs.require_fresh(session, run)
    except PlanStale as stale:
        return stale.rows
    return []


@blueprint.get("/<uuid:import_id>/progress")
@require(READ)
def progress(import_id: UUID) -> Any:
    """The part of the page that changes while a worker is busy."""
    with transaction() as session:
        run = runs.get_run(session, import_id)
        job = _job_of(session, run)
    response = make_response(render_template("_import_progress.html", run=run, job=job))
    if not _working(run, job):
        response.headers["HX-Refresh"] = "true"  # there is a result: show the whole page anew
    return response


@blueprint.post("/<uuid:import_id>/apply")
@require(IMPORT)
def apply(import_id: UUID) -> Any:
    """Carry out a plan that somebody has looked at."""
    allowed = request.form.get("allow_below_used") == "yes"
    with transaction() as session:
        run = runs.require_planned(session, import_id, allow_below_used=allowed)
        consequences.require_allowed(run)
        bell = runs.start(session, run, "imports.apply", principal().actor, g.request_id)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=import_id), 303)


@blueprint.post("/<uuid:import_id>/again")
@require(IMPORT)
def plan_again(import_id: UUID) -> Any:
    """Plan the same import anew, against the budgets as they are now."""
    who = principal()
    with transaction() as session:
        old = runs.get_run(session, import_id)
        wish = replace(runs.wish_of(old), apply=False)
        run = runs.request_import(session, who.tenant_id, old.file_id, wish, who.actor)
        bell = runs.start(session, run, "imports.run", who.actor, g.request_id)
    announce(bell)
    return redirect(url_for("import_pages.show", import_id=run.id), 303)


@blueprint.post("/<uuid:import_id>/cancel")
@require(IMPORT)
def cancel(import_id: UUID) -> Any:
    """Stop an import that has not been applied."""
    with transaction() as session:
        run = runs.cancel(session, import_id)
    flash(
        "The import is cancelled; no budget was changed."
        if run.state == "cancelled"
        else "The import will stop at its next step."
    )
    return redirect(url_for("import_pages.show", import_id=import_id), 303)


@blueprint.get("/<uuid:import_id>/rejected")
@require(READ)
def rejected(import_id: UUID) -> Any:
    """The rejected rows as a file, each with its reasons."""
    with transaction() as session:
        return send_rejected(session, runs.get_run(session, import_id))


def _job_of(session: Session, run: ImportRun) -> Job | None:
    return jobs.get_job(session, run.job_id) if run.job_id else None


def _working(run: ImportRun, job: Job | None) -> bool:
    """Whether a worker is busy with it, or soon will be."""
    if job is None or job.state in jobs.ENDED:
        return False
    return run.state not in runs.ENDED or job.kind == "imports.undo"
