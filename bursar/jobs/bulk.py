"""Trying many jobs again and cancelling many: those that are named, or those in a state.

One call is one step of at most STEP jobs, set-based, in the caller's transaction. Whoever wants all
of a state calls again while `more` says so; every step makes progress, so that ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select, update
from sqlalchemy.orm import Session, aliased

from bursar.errors import InvalidInput
from bursar.jobs.rows import Bell, queued_again
from schema.tables import Job

STEP = 500
LIVE = ("queued", "retrying", "running")
RETRIABLE = ("failed", "dead", "cancelled")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which jobs: those with these ids, or else those in a state, perhaps of one kind."""

    ids: tuple[UUID, ...] = ()
    state: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A job that was changed, in the state that it has now."""

    bell: Bell
    state: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; `left_alone` counts named jobs that could not be changed."""

    changed: list[Changed]
    left_alone: int
    more: bool


def retry_many(session: Session, chosen: Chosen, actor: str) -> Step:
    """Queue jobs again that ended without success, in the name of `actor`.

    Left alone are those whose work another job that waits or runs will do already. Ring the bells
    after the commit. Raises InvalidInput.
    """
    twin = aliased(Job)
    twins = select(twin.id).where(twin.dedup_key == Job.dedup_key, twin.state.in_(LIVE))
    ready = _selected(chosen, RETRIABLE).where(~twins.exists())
    locked = session.execute(ready).all()
    # Of several that do the same, the newest does it for all.
    newest = {row.dedup_key or row.id: row.id for row in locked}
    return _step(session, chosen, len(locked), list(newest.values()), queued_again(actor))


def cancel_many(session: Session, chosen: Chosen) -> Step:
    """Cancel jobs: at once those that wait, at their next checkpoint those that run.

    Raises InvalidInput.
    """
    ready = _selected(chosen, LIVE).where(~Job.cancel_requested)
    ids = [row.id for row in session.execute(ready).all()]
    running = Job.state == "running"
    values = {
        "state": case((running, Job.state), else_="cancelled"),
        "cancel_requested": running,
        "finished_at": case((running, Job.finished_at), else_=func.now()),
        "updated_at": func.now(),
        "row_version": Job.row_version + 1,
    }
    return _step(session, chosen, len(ids), ids, values)


def _selected(chosen: Chosen, states: Sequence[str]) -> Select[UUID, str | None]:
    """The chosen jobs in one of `states`, oldest first, locked in that order."""
    query = select(Job.id, Job.dedup_key).order_by(Job.created_at, Job.id).limit(STEP)
    if chosen.ids:
        if len(chosen.ids) > STEP:
            raise InvalidInput(f"Name at most {STEP} jobs at a time.")
        query = query.where(Job.id.in_(chosen.ids), Job.state.in_(states))
    elif chosen.state in states:
        query = query.where(Job.state == chosen.state)
    else:
        raise InvalidInput(f"Name jobs by `ids`, or a `state` out of {', '.join(states)}.")
    if chosen.kind is not None:
        query = query.where(Job.kind == chosen.kind)
    return query.with_for_update(of=Job)


def _step(
    session: Session, chosen: Chosen, found: int, ids: list[UUID], values: dict[str, Any]
) -> Step:
    changed = session.execute(
        update(Job)
        .where(Job.id.in_(ids))
        .values(**values)
        .returning(Job.tenant_id, Job.id, Job.kind, Job.queue, Job.state, Job.payload)
        .execution_options(synchronize_session=False)
    ).all()
    return Step(
        [
            Changed(Bell(row.tenant_id, row.id, row.kind, row.queue), row.state, row.payload)
            for row in changed
        ],
        len(set(chosen.ids)) - len(changed) if chosen.ids else 0,
        not chosen.ids and found == STEP,
    )
