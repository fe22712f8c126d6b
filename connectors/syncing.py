"""One run of a source: list it, take in what is new and whole, and hand it to importing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bursar import files
from bursar.config import settings
from bursar.errors import (
    BursarError,
    ChangedWhileRead,
    EmptyFile,
    FileLimitExceeded,
    NotFound,
    NotPermitted,
    PathMissing,
    TooLarge,
)
from bursar.jobs.lease import Lease
from bursar.jobs.rows import Bell
from bursar.sources import arriving, outcomes
from bursar.sources.arriving import Seen
from bursar.sources.editing import get_source, read_secret
from bursar.sources.pausing import pauses
from bursar.sources.scheduling import start_run
from connectors import connector_class
from connectors.protocol import LEAVE, Arrival, Connector
from schema.tables import Source, SourceFile, SourceRun

log = structlog.get_logger("bursar.sources")
_SLACK = timedelta(seconds=2)


def sync(lease: Lease, ring: Callable[[Bell], object]) -> None:
    """The work of a job of kind `sources.sync`. `ring` tells a worker of each import.

    Every file is a transaction of its own: a bad one does not stop the others. Raises SourceFault
    where the source as a whole cannot be read; what was taken until then stays.
    """
    source_id, run_id = UUID(lease.payload["source_id"]), UUID(lease.payload["run_id"])
    with lease.transaction() as session:
        try:
            source = get_source(session, source_id)
        except NotFound:
            return  # taken away since
        run = session.get_one(SourceRun, (lease.tenant_id, run_id))
        if run.trigger == "retry" and (not source.is_active or pauses(session).any):
            run.state, run.ended_at = "skipped", func.now()
            return  # paused since; another try is the schedule's, which rests
        run.state, run.started_at = "running", func.now()
        run.error = run.ended_at = None  # of an earlier try, where somebody has its job run again
        secret = read_secret(session, source)
        session.flush()
        session.refresh(run)
    with open_source(source, secret) as place:
        limit = settings().source_listing_limit
        listing = list(islice(place.list(), limit + 1))
        if len(listing) > limit:
            raise FileLimitExceeded(
                f"{source.name} lists more than {limit:,} files. Move loaded ones away, narrow its"
                " pattern, or raise BURSAR_SOURCE_LISTING_LIMIT."
            )
        with lease.transaction() as session:
            ready = arriving.note_listing(session, source, [_seen(one) for one in listing])
            lease.hold(session)
        taken = failed = 0
        for n, file in enumerate(ready):
            lease.progress(n, len(ready), "taking files")
            lease.checkpoint()
            good, bell = _take(lease, place, source, file)
            taken, failed = taken + (good is True), failed + (good is False)
            if bell is not None:
                ring(bell)
        _settle(lease, place, source)
    with lease.transaction() as session:
        source = get_source(session, source_id, lock=True)
        run = session.get_one(SourceRun, (lease.tenant_id, run_id))
        run.files_seen, run.files_taken, run.files_failed = len(listing), taken, failed
        outcomes.note_success(session, source, run)
        # Ended first: a second look that finds files growing still plans a third one.
        lease.end(session, "succeeded")
        if arriving.some_settle(session, source.id):
            wait = timedelta(seconds=source.settle_seconds) + _SLACK
            start_run(session, source, "follow_up", lease.actor, after=wait)
    log.info("source synced", source=source.name, seen=len(listing), taken=taken, failed=failed)


def open_source(source: Source, secret: dict[str, object]) -> Connector:
    """The connector of a source, not connected yet."""
    make: Callable[..., Connector] = connector_class(source.type)
    config = source.config
    if source.type == "folder":
        config = config | {"tenant": str(source.tenant_id)}  # decides which root is its
    return make(config, secret)


def _take(
    lease: Lease, place: Connector, source: Source, file: SourceFile
) -> tuple[bool | None, Bell | None]:
    """Take in one file: True when it is news, None when it is not, False when it is bad.

    Raises SourceFault where the trouble is the source's and not the file's.
    """
    arrival = _arrival(file)
    try:
        with place.open(arrival) as stream:
            kept = files.keep(
                lease.tenant_id, arrival.name, stream, settings().source_file_limit_bytes
            )
    except ChangedWhileRead:
        _note(lease, file, "settling", "changed_while_read", "It is still growing.")
        return None, None
    except PathMissing:
        _note(lease, file, "skipped", "gone", "It went away before it was read.")
        return None, None
    except (TooLarge, EmptyFile, NotPermitted) as error:
        if not _note(lease, file, "failed", error.code, error.detail):
            return None, None
        with lease.transaction() as session:
            words = f"{file.path}: {error.detail}"
            details = {"source_id": str(source.id), "path": file.path}
            outcomes.alarm_file(session, source, "source_file_failed", words, details, file.id)
        return False, None
    with lease.transaction() as session:
        held = get_source(session, source.id, lock=True)
        current = _untaken(session, file)
        if current is None:
            return None, None
        stored = files.record(session, lease.tenant_id, arrival.name, kept, lease.actor)
        news = arriving.note_taken(session, current, stored)
        if not news:
            outcomes.note_known(session, held, current)
        bell = arriving.start_next(session, held)
        lease.hold(session)
    return (True if news else None), bell


def _note(lease: Lease, file: SourceFile, state: str, code: str, detail: str) -> bool:
    with lease.transaction() as session:
        current = _untaken(session, file)
        if current is None:
            return False
        arriving.note_trouble(session, current, state, code, detail)
        lease.hold(session)
    return True


def _untaken(session: Session, file: SourceFile) -> SourceFile | None:
    """The file, locked, unless another run has dealt with it while this one read it.

    A second look, or one after trouble, can come while a scheduled run is still reading.
    """
    current = session.get_one(SourceFile, (file.tenant_id, file.id), with_for_update=True)
    return current if current.state == "ready" else None


def _settle(lease: Lease, place: Connector, source: Source) -> None:
    """Do with loaded files what is to be done with them."""
    if source.after_action == LEAVE:
        return
    with lease.transaction() as session:
        loaded = _loaded(session, source)
    for file in loaded:
        lease.checkpoint()
        try:
            place.settle(_arrival(file), source.after_action)
        except BursarError as error:
            log.warning("file not settled", source=source.name, error=error.code)
            raise
        with lease.transaction() as session:
            session.get_one(SourceFile, (file.tenant_id, file.id)).settled_at = func.now()


def _loaded(session: Session, source: Source) -> list[SourceFile]:
    query = select(SourceFile).where(
        SourceFile.source_id == source.id,
        SourceFile.state == "imported",
        SourceFile.settled_at.is_(None),
    )
    return list(session.execute(query).scalars())


def _seen(arrival: Arrival) -> Seen:
    return Seen(
        arrival.path, arrival.revision, arrival.size_bytes, arrival.modified_at, arrival.whole
    )


def _arrival(file: SourceFile) -> Arrival:
    return Arrival(file.path, file.revision, file.size_bytes, file.modified_at)
