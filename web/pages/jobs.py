"""Jobs: what workers were asked to do, and a hand for those that failed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from bursar.jobs import rows as jobs
from bursar.proof import standing
from schema.tables.jobs import JOB_STATES
from web.auth import OPERATE, READ, principal, require, transaction
from web.jobs import announce, cancel, retry
from web.pages.going import back_to

blueprint = Blueprint("job_pages", __name__, url_prefix="/jobs")


@blueprint.get("")
@require(READ)
def show() -> Any:
    """Jobs, newest first."""
    state = request.args.get("state", "")
    state = state if state in JOB_STATES else ""
    with transaction() as session:
        found = jobs.list_jobs(
            session, state=state or None, limit=25, cursor=request.args.get("cursor") or None
        )
        watch = standing.of_tenant(session)
    return render_template("jobs.html", jobs=found, state=state, states=JOB_STATES, watch=watch)


@blueprint.post("/<uuid:job_id>/retry")
@require(OPERATE)
def retry_job(job_id: UUID) -> Any:
    """Queue an ended job again."""
    with transaction() as session:
        bell = retry(session, job_id, principal().actor)
    announce(bell)
    flash("The job is queued again.")
    return redirect(back_to(url_for("job_pages.show")), 303)


@blueprint.post("/<uuid:job_id>/cancel")
@require(OPERATE)
def cancel_job(job_id: UUID) -> Any:
    """Cancel a job."""
    with transaction() as session:
        cancel(session, job_id)
    flash("The job is cancelled, or will be at its next step.")
    return redirect(back_to(url_for("job_pages.show")), 303)
