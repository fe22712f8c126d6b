"""Jobs: what workers were asked to do, and how far they are."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, model_validator
from sqlalchemy.orm import Session

from bursar.jobs import rows as jobs
from bursar.jobs.bulk import STEP, Chosen, Step
from schema.tables import Job, JobAttempt
from web import idempotency
from web.api.wire import ListQuery, Model, Out, problems, time_text
from web.auth import OPERATE, READ, principal, require, transaction
from web.jobs import announce, announce_all, cancel, cancel_many, retry, retry_many

api = APIBlueprint("jobs", __name__, url_prefix="/api/v1/jobs", abp_tags=[Tag(name="Jobs")])

Kind = Annotated[str, Field(max_length=60, pattern=r"^[a-z_.]+$")]
State = Literal["queued", "running", "retrying", "succeeded", "failed", "dead", "cancelled"]


class ProgressOut(Out):
    """How far the work is; `total` is null until it is known."""

    done: int
    total: int | None
    stage: str | None


class AttemptOut(Out):
    """One try."""

    number: int
    worker: str
    outcome: str | None
    started_at: str
    ended_at: str | None
    error: dict[str, Any] | None


class JobOut(Out):
    """A job."""

    id: UUID
    kind: str
    queue: str
    state: State
    progress: ProgressOut
    attempts: int
    max_attempts: int
    payload: dict[str, Any]
    error: dict[str, Any] | None
    result: dict[str, Any] | None
    cancel_requested: bool
    created_by: str
    request_id: str | None
    created_at: str
    run_after: str
    started_at: str | None
    finished_at: str | None
    history: list[AttemptOut]


class JobPage(Out):
    """A page of jobs."""

    data: list[JobOut]
    next_cursor: str | None


class JobFilter(ListQuery):
    """Which jobs."""

    kind: Kind | None = None
    state: State | None = None
    q: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="The first 8 digits of an id or more, or a part of the error."
    )


class JobChoice(Model):
    """Which jobs: by `ids`, or those in a `state`, perhaps of one `kind`; the oldest first."""

    ids: list[UUID] | None = Field(None, min_length=1, max_length=STEP)
    state: State | None = None
    kind: Kind | None = None

    @model_validator(mode="after")
    def _one_way(self) -> JobChoice:
        if (self.ids is None) == (self.state is None) or (self.ids and self.kind):
            raise ValueError("name either `ids`, or a `state` and perhaps a `kind`")
        return self

    def chosen(self) -> Chosen:
        """As the rules have it."""
        return Chosen(tuple(self.ids or ()), self.state, self.kind)


class StepOut(Out):
    """What was done; `more`: ask again, with another key, for the next ones in this state."""

    ids: list[UUID]
    left_alone: int = Field(description="Named jobs that could not be changed, or are not there.")
    more: bool


class JobPath(BaseModel):
    """Which job."""

    job_id: UUID


def wire(job: Job, history: list[JobAttempt]) -> dict[str, Any]:
    """A job with its tries."""
    plain = ("kind", "queue", "state", "attempts", "max_attempts", "payload", "error",
             "result", "cancel_requested", "created_by", "request_id")  # fmt: skip
    times = ("created_at", "run_after", "started_at", "finished_at")
    return {
        "id": str(job.id),
        **{name: getattr(job, name) for name in plain},
        **{name: time_text(getattr(job, name)) for name in times},
        "progress": {"done": job.progress_done, "total": job.progress_total, "stage": job.stage},
        "history": [
            {
                "number": attempt.attempt_no,
                "worker": attempt.worker,
                "outcome": attempt.outcome,
                "started_at": time_text(attempt.started_at),
                "ended_at": time_text(attempt.ended_at),
                "error": attempt.error,
            }
            for attempt in history
        ],
    }


@api.get("", responses={"200": JobPage, **problems()})
@require(READ)
def list_jobs(query: JobFilter) -> Response:
    """List jobs, newest first. Their tries are shown job by job."""
    with transaction() as session:
        found = jobs.list_jobs(session, **query.model_dump())
    return jsonify(data=[wire(job, []) for job in found.rows], next_cursor=found.next_cursor)


@api.get("/<job_id>", responses={"200": JobOut, **problems(404)})
@require(READ)
def get_job(path: JobPath) -> Response:
    """Read a job with its progress and tries."""
    with transaction() as session:
        job = jobs.get_job(session, path.job_id)
        return jsonify(wire(job, jobs.attempts_of(session, path.job_id)))


@api.post("/<job_id>/retry", responses={"202": JobOut, **problems(400, 404, 409)})
@require(OPERATE)
def retry_job(path: JobPath) -> Response:
    """Queue a failed, dead or cancelled job again."""

    def work(session: Session) -> idempotency.Answer:
        bell = retry(session, path.job_id, principal().actor)
        job = jobs.get_job(session, path.job_id)
        return idempotency.Answer(
            202, wire(job, jobs.attempts_of(session, job.id)), after_commit=lambda: announce(bell)
        )

    return idempotency.once(work, None)


@api.post("/<job_id>/cancel", responses={"202": JobOut, **problems(400, 404, 409)})
@require(OPERATE)
def cancel_job(path: JobPath) -> Response:
    """Cancel a job: at once while it waits, at its next step while it runs."""

    def work(session: Session) -> idempotency.Answer:
        cancel(session, path.job_id)
        job = jobs.get_job(session, path.job_id)
        return idempotency.Answer(202, wire(job, jobs.attempts_of(session, job.id)))

    return idempotency.once(work, None)


@api.post("/retry", responses={"202": StepOut, **problems(400, 409)})
@require(OPERATE)
def retry_jobs(body: JobChoice) -> Response:
    """Queue many failed, dead or cancelled jobs again, 500 at most."""

    def work(session: Session) -> idempotency.Answer:
        step = retry_many(session, body.chosen(), principal().actor)
        return idempotency.Answer(202, _told(step), after_commit=lambda: announce_all(step))

    return idempotency.once(work, body.model_dump(mode="json"))


@api.post("/cancel", responses={"202": StepOut, **problems(400, 409)})
@require(OPERATE)
def cancel_jobs(body: JobChoice) -> Response:
    """Cancel many jobs, 500 at most: those that wait at once, those that run at their next step."""

    def work(session: Session) -> idempotency.Answer:
        return idempotency.Answer(202, _told(cancel_many(session, body.chosen())))

    return idempotency.once(work, body.model_dump(mode="json"))


def _told(step: Step) -> dict[str, Any]:
    ids = [str(job.bell.job_id) for job in step.changed]
    return {"ids": ids, "left_alone": step.left_alone, "more": step.more}
