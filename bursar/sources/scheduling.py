"""Starting runs of sources: when they are due, when somebody asks, and when something is left."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.database import Database, is_passing
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from bursar.sources.timing import next_after, previous_before
from bursar.tenants import get_tenant
from schema.tables import Job, Source, SourceRun

log = structlog.get_logger("bursar.sources")
_AT_ONCE = 500


def start_due(database: Database) -> list[Bell]:
    """Start the runs that are due in all tenants, and raise the alarm for files that are late.

    A due moment gives one run however many beats ask; after downtime a source runs once, not once
    for each moment that was missed.
    """
    with database.transaction(None) as session:
        due = session.execute(
            text("select tenant_id, id from sources_due(:limit)"), {"limit": _AT_ONCE}
        ).all()
    bells = []
    for tenant_id, source_id in due:
        try:
            with database.transaction(tenant_id, "schedule") as session:
                bell = _start_one(session, source_id)
        except Exception as error:
            if is_passing(error):
                raise
            # One source that cannot be planned, as when its time zone is gone, stops no other.
            log.exception("source not started", source_id=str(source_id), tenant_id=str(tenant_id))
            with database.transaction(tenant_id, "schedule") as session:
                _say_unplanned(session, source_id)
            continue
        if bell is not None:
            bells.append(bell)
    return bells


def start_run(
    session: Session, source: Source, trigger: str, actor: str, *,
    due_at: datetime | None = None, after: timedelta | None = None,
) -> tuple[SourceRun | None, Bell | None]:  # fmt: skip
    """Queue a run of a source; None where this due moment has had one.

    A run that still waits or works is not joined by another one: it is returned, without a bell,
    and if it waits for a later moment than this one, it comes earlier.
    """
    later = trigger in ("follow_up", "retry")
    key = f"source:{source.id}:{trigger}" if later else f"source:{source.id}"
    busy = session.execute(
        select(SourceRun)
        .join(Job, (Job.tenant_id == SourceRun.tenant_id) & (Job.id == SourceRun.job_id))
        .where(
            SourceRun.source_id == source.id,
            Job.dedup_key == key,
            Job.state.in_(("queued", "running", "retrying")),
        )
    ).scalar()
    moment = due_at or session.execute(select(func.now())).scalar_one()
    if busy is not None:
        sooner = moment + (after or timedelta())
        session.execute(
            update(Job)
            .where(Job.id == busy.job_id, Job.state == "queued", Job.run_after > sooner)
            .values(run_after=sooner, rung_at=None)
        )
        return busy, None
    made = session.execute(
        insert(SourceRun)
        .values(tenant_id=source.tenant_id, source_id=source.id, trigger=trigger, due_at=moment)
        .on_conflict_do_nothing()
        .returning(SourceRun.id)
    ).scalar()
    if made is None:
        return None, None
    run = session.get_one(SourceRun, (source.tenant_id, made))
    bell = jobs.enqueue(
        session,
        source.tenant_id,
        "sources.sync",
        {"source_id": str(source.id), "run_id": str(run.id)},
        actor=actor,
        run_after=moment + after if after else None,
        dedup_key=key,
    )
    run.job_id = bell.job_id
    session.flush()
    return run, None if after else bell


def _start_one(session: Session, source_id: UUID) -> Bell | None:
    source = session.execute(
        select(Source)
        .where(Source.id == source_id, Source.is_active, Source.deleted_at.is_(None))
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if source is None or get_tenant(session).sources_paused_at is not None:
        return None
    now: datetime = session.execute(select(func.now())).scalar_one()
    if source.next_expected_at is not None and source.next_expected_at <= now:
        _look_for_expected(session, source, now)
    if source.next_due_at is None or source.next_due_at > now:
        return None
    due_at = source.next_due_at
    source.next_due_at = next_after(
        source.schedule, source.time_zone, max(now, source.held_until or now)
    )
    session.flush()
    if source.held_until is not None and source.held_until > now:
        return None
    return start_run(session, source, "schedule", f"source:{source.name}", due_at=due_at)[1]


def _say_unplanned(session: Session, source_id: UUID) -> None:
    source = session.execute(select(Source).where(Source.id == source_id)).scalar_one()
    alerts.raise_alert(
        session, source.tenant_id, "source_failed", "critical",
        f"{source.name}: its next run cannot be planned. Save its schedule and time zone anew; the"
        " reason is in the log.",
        {"source_id": str(source.id)}, f"source_failed:{source.id}",
    )  # fmt: skip


def _look_for_expected(session: Session, source: Source, now: datetime) -> None:
    """Raise the alarm when no good file has come since the moment before the one that is over."""
    assert source.expected_by is not None
    due = previous_before(source.expected_by, source.time_zone, now)
    since = previous_before(source.expected_by, source.time_zone, due - timedelta(seconds=1))
    source.next_expected_at = next_after(source.expected_by, source.time_zone, now)
    session.flush()
    if source.last_file_at is None or source.last_file_at <= since:
        source.is_stale = True
        session.flush()
        came = source.last_file_at
        last = f"the last one came at {came:%Y-%m-%d %H:%M} UTC" if came else "none has ever come"
        alerts.raise_alert(
            session,
            source.tenant_id,
            "source_late",
            "critical",
            f"{source.name}: no file has come by {due:%Y-%m-%d %H:%M} UTC; {last}.",
            {"source_id": str(source.id), "expected_by": due.isoformat()},
            f"source_late:{source.id}",
        )
