"""What became of a source's runs and files: states, alarms, and a pause for what keeps failing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.errors import SourceDrifted
from bursar.importing.repairing.mending import attempts_of
from bursar.importing.runs import DONE
from bursar.jobs.lease import Lease
from bursar.jobs.rows import Bell
from bursar.sources.arriving import came_anew, start_next
from bursar.sources.scheduling import start_run
from schema.tables import ImportRun, Source, SourceFile, SourceRun

# Failed runs in a row after which the schedule waits, at first for a quarter of an hour.
HELD_AFTER = 5
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=15), timedelta(hours=4)
# After trouble that passes the source is looked at again, at first so soon.
_FIRST_RETRY = timedelta(minutes=5)
OFTEN = 3  # more failed runs than these within an hour are an alarm of their own

_BY_RUNS = ("source_failed", "source_failing_often", "source_held")


def note_success(session: Session, source: Source, run: SourceRun) -> None:
    """A run has seen the source whole; single files may have failed."""
    run.state = "partial" if run.files_failed else "succeeded"
    run.ended_at = source.last_success_at = func.now()
    source.last_sync_at = run.started_at
    source.failures, source.held_until = 0, None
    for kind in _BY_RUNS:
        alerts.resolve_key(session, source.tenant_id, f"{kind}:{source.id}", "system")
    session.flush()


def record_failure(session: Session, lease: Lease, outcome: str, error: dict[str, object]) -> None:
    """Say on a source and its run how a job ended that will not be tried again by itself."""
    run = session.get_one(SourceRun, (lease.tenant_id, UUID(lease.payload["run_id"])))
    run.state, run.error = ("skipped" if outcome == "cancelled" else "failed"), dict(error)
    run.ended_at = func.now()
    source = session.get_one(Source, (lease.tenant_id, run.source_id), with_for_update=True)
    if outcome == "cancelled" or source.deleted_at is not None:
        return
    source.failures += 1
    session.flush()
    detail = str(error.get("detail") or "The reason is in the log.")
    details = {"source_id": str(source.id), "run_id": str(run.id), "error": dict(error)}
    alarm(session, source, "source_failed", "warning", detail, details)
    recent: int = session.execute(
        select(func.count())
        .select_from(SourceRun)
        .where(
            SourceRun.source_id == source.id,
            SourceRun.state == "failed",
            SourceRun.ended_at > func.now() - timedelta(hours=1),
        )
    ).scalar_one()
    if recent > OFTEN:
        words = f"{recent} runs have failed within an hour. The last reason: {detail}"
        alarm(session, source, "source_failing_often", "critical", words, details)
    if source.failures >= HELD_AFTER:
        pause = min(_FIRST_PAUSE * 2 ** min(source.failures - HELD_AFTER, 10), _LONGEST_PAUSE)
        source.held_until = session.execute(select(func.now())).scalar_one() + pause
        words = (
            f"{source.failures} runs in a row have failed, so the schedule waits until"
            f" {source.held_until:%Y-%m-%d %H:%M} UTC. The last reason: {detail}"
        )
        alarm(session, source, "source_held", "critical", words, details)
    if outcome == "dead":
        _look_again(session, source)


def _look_again(session: Session, source: Source) -> None:
    """Plan another look at a source whose trouble may pass, where its schedule has none sooner.

    Without it a source that is looked at once a day would lose the day to an hour's outage.
    """
    if not source.is_active or source.schedule is None:
        return
    now: datetime = session.execute(select(func.now())).scalar_one()
    moment = source.held_until or now + _FIRST_RETRY * 2 ** (source.failures - 1)
    if source.held_until or source.next_due_at is None or moment < source.next_due_at:
        start_run(session, source, "retry", f"source:{source.name}", after=moment - now)


def follow_imports(session: Session, tenant_id: UUID) -> list[Bell]:
    """Take the news of imports over to the files that they came from, and go on with the next.

    Ring the bells after the commit.
    """
    moved = session.execute(
        select(SourceFile, ImportRun)
        .join(
            ImportRun,
            (ImportRun.tenant_id == SourceFile.tenant_id) & (ImportRun.id == SourceFile.import_id),
        )
        .where(
            text(
                "(source_file.state = 'importing'"
                " and import_run.state not in ('received', 'profiled', 'applying')"
                " and not (import_run.state = 'planned' and import_run.apply)"
                " or source_file.state = 'waiting'"
                " and import_run.state not in ('planned', 'awaiting_mapping', 'applying')"
                # Tried again by a person, or loaded with mended rows, which are runs of their own.
                " or source_file.state = 'failed'"
                " and (import_run.state in ('completed', 'completed_with_errors')"
                "   or import_run.state = 'awaiting_mapping'"
                "   or import_run.state = 'planned' and not import_run.apply"
                "   or exists (select from import_run a"
                "     where a.tenant_id = import_run.tenant_id and a.continues_id = import_run.id"
                "     and a.state in ('completed', 'completed_with_errors'))))"
            ),
        )
        .order_by(SourceFile.source_id, SourceFile.id)
        .with_for_update(of=SourceFile, skip_locked=True)
    ).all()
    bells: list[Bell] = []
    for source_id in dict.fromkeys(file.source_id for file, _ in moved):
        source = session.get_one(Source, (tenant_id, source_id), with_for_update=True)
        for file, run in moved:
            if file.source_id == source_id:
                _follow(session, source, file, run)
        bell = start_next(session, source)
        bells += [bell] if bell else []
        if source.after_action != "leave" and source.deleted_at is None:
            bell = start_run(session, source, "follow_up", f"source:{source.name}")[1]
            bells += [bell] if bell else []
    return bells


def _follow(session: Session, source: Source, file: SourceFile, run: ImportRun) -> None:
    key = f"source_file:{file.id}"
    about: dict[str, Any] = {
        "source_id": str(source.id), "import_id": str(run.id), "path": file.path,
    }  # fmt: skip
    mended = False
    if file.state == "failed":
        alerts.resolve_key(session, source.tenant_id, key, "system")  # it is another matter now
        mended = bool(attempts_of(session, run).applied)
    if run.state in DONE or run.state == "undone" or mended:
        file.state, file.error = "imported", None
        alerts.resolve_key(session, source.tenant_id, key, "system")
        _end_older(session, file)
        source.last_file_at, source.is_stale = func.now(), False
        alerts.resolve_key(session, source.tenant_id, f"source_late:{source.id}", "system")
        session.flush()
        return
    if (run.error or {}).get("code") == SourceDrifted.code:
        # What it says now is not what its budgets say: they are as old as if it were late.
        source.is_stale = True
    if run.state in ("failed", "cancelled"):
        file.state, file.error = "failed", run.error
        reason = str((run.error or {}).get("detail") or f"The import was {run.state}.")
        alarm_file(session, source, "source_file_failed", f"{file.path}: {reason}", about, file.id)
    else:
        file.state = "waiting"
        reason = (run.error or {}).get("detail") or "Look at what would change, and apply it."
        words = f"{file.path} waits for somebody: {reason}"
        alarm_file(
            session, source, "source_file_waiting", words, about | (run.error or {}), file.id
        )
    session.flush()


def note_known(session: Session, source: Source, file: SourceFile) -> None:
    """A file whose bytes are loaded already has come: when written anew, it is a file in time."""
    if came_anew(session, file):
        source.last_file_at = func.now()
        end_lateness(session, source)


def end_lateness(session: Session, source: Source) -> None:
    """Nothing is late any more. What waits for somebody still keeps the source stale."""
    waiting = select(SourceFile.id).where(
        SourceFile.source_id == source.id, SourceFile.state == "waiting"
    )
    source.is_stale = source.is_stale and session.execute(waiting.limit(1)).first() is not None
    alerts.resolve_key(session, source.tenant_id, f"source_late:{source.id}", "system")
    session.flush()


def _end_older(session: Session, file: SourceFile) -> None:
    """End the alarms of bad versions of a file that a good one has followed."""
    older = select(SourceFile.id).where(
        SourceFile.source_id == file.source_id,
        SourceFile.path == file.path,
        SourceFile.state == "failed",
        SourceFile.created_at < file.created_at,
    )
    for file_id in session.execute(older).scalars():
        alerts.resolve_key(session, file.tenant_id, f"source_file:{file_id}", "system")


def end_alarms(session: Session, source: Source) -> None:
    """Resolve what is said of a source that is taken away; alarms of its files stay."""
    source.is_stale = False
    for kind in (*_BY_RUNS, "source_late"):
        alerts.resolve_key(session, source.tenant_id, f"{kind}:{source.id}", "system")


def alarm(
    session: Session, source: Source, kind: str, severity: str, words: str, details: dict[str, Any]
) -> None:
    """Raise an alert about a source, once until it is resolved."""
    alerts.raise_alert(
        session, source.tenant_id, kind, severity, f"{source.name}: {words}", details,
        f"{kind}:{source.id}",
    )  # fmt: skip


def alarm_file(
    session: Session, source: Source, kind: str, words: str, details: dict[str, Any], file_id: UUID
) -> None:
    """Raise an alert about one file of a source, once until it is resolved."""
    alerts.raise_alert(
        session, source.tenant_id, kind, "warning", f"{source.name}: {words}", details,
        f"source_file:{file_id}",
    )  # fmt: skip
