"""Jobs: what workers were asked to do, one of them whole, and a hand for those that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from bursar.jobs import bulk, overview
from bursar.jobs import rows as jobs
from bursar.jobs.bulk import Chosen, Step
from bursar.members import names_of
from bursar.trail import changes_of
from schema.tables.jobs import JOB_STATES
from web.auth import OPERATE, READ, principal, require, transaction
from web.jobs import announce, cancel, cancel_many, in_steps, retry, retry_many
from web.pages.figures import number
from web.pages.going import back_to, uuid_or_none

blueprint = Blueprint("job_pages", __name__, url_prefix="/jobs")
_SHOWN = 25


@blueprint.get("")
@require(READ)
def show() -> Any:
    """Jobs, newest first, as the address narrows them."""
    wanted = {name: request.args.get(name, "").strip() for name in ("state", "kind", "q")}
    wanted["state"] = wanted["state"] if wanted["state"] in JOB_STATES else ""
    wanted["kind"] = wanted["kind"] if wanted["kind"] in jobs.QUEUE_OF_KIND else ""
    wanted["q"] = wanted["q"][:200]
    with transaction() as session:
        found = jobs.list_jobs(
            session,
            state=wanted["state"] or None,
            kind=wanted["kind"] or None,
            q=wanted["q"] or None,
            limit=_SHOWN,
            cursor=request.args.get("cursor") or None,
        )
    return render_template(
        "jobs.html", jobs=found, wanted=wanted, filtered=any(wanted.values()), states=JOB_STATES,
        kinds=jobs.QUEUE_OF_KIND, retriable=bulk.RETRIABLE, live=bulk.LIVE,
    )  # fmt: skip


@blueprint.get("/<uuid:job_id>")
@require(READ)
def one(job_id: UUID) -> Any:
    """One job: what it was asked, its tries, what went wrong, and what people did to it."""
    with transaction() as session:
        job = jobs.get_job(session, job_id)
        attempts = jobs.attempts_of(session, job_id)
        changes = changes_of(session, "job", job_id).rows
        names = names_of(session, {job.created_by, *(change.actor for change in changes)})
    return render_template(
        "job.html", job=job, attempts=attempts, changes=changes, names=names,
        payload=_told(job.payload), result=_told(job.result),
        retriable=bulk.RETRIABLE, live=bulk.LIVE,
    )  # fmt: skip


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


@blueprint.post("/retry")
@require(OPERATE)
def retry_chosen() -> Any:
    """Queue the chosen jobs again, or all that the filter shows."""
    actor = principal().actor
    return _changed("queued again", lambda session, chosen: retry_many(session, chosen, actor))


@blueprint.post("/cancel")
@require(OPERATE)
def cancel_chosen() -> Any:
    """Cancel the chosen jobs, or all that the filter shows."""
    return _changed("cancelled, or will be at their next step", cancel_many)


def _changed(done: str, change: Callable[[Session, Chosen], Step]) -> Any:
    """Change what the form names in bounded steps, and say how many it were."""
    chosen = _chosen()
    if not (chosen.ids or chosen.state):
        flash("No job was chosen, so none was changed.")
        return redirect(back_to(url_for("job_pages.show")), 303)
    changed, left_alone, more = in_steps(lambda session: change(session, chosen))
    said = [f"Jobs {done}: {number(changed)}."]
    if left_alone:
        said.append(f"Left alone, as that cannot be done to them: {number(left_alone)}.")
    if more:
        said.append("There are more: do it again.")
    flash(" ".join(said))
    return redirect(back_to(url_for("job_pages.show")), 303)


def _chosen() -> Chosen:
    if request.form.get("all") == "yes":
        return Chosen(state=request.form.get("state"), kind=request.form.get("kind") or None)
    named = (uuid_or_none(text) for text in request.form.getlist("job"))
    return Chosen(tuple(job_id for job_id in named if job_id is not None))


def _told(value: dict[str, Any] | None) -> str:
    """JSON for people, without secrets; nothing for nothing."""
    shown = overview.without_secrets(value)
    return json.dumps(shown, indent=2, ensure_ascii=False, sort_keys=True) if shown else ""
