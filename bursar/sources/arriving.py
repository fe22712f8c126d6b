"""What was seen at a source, file by file and revision by revision, and what may be taken now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from bursar.importing import runs
from bursar.importing.runs import Wish
from bursar.jobs.rows import Bell
from schema.tables import Source, SourceFile, StoredFile


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a listing showed it. `whole`: the source never shows half of one."""

    path: str
    revision: str
    size_bytes: int | None
    modified_at: datetime | None
    whole: bool


_NOTE = text(
    """
    insert into source_file (tenant_id, source_id, path, revision, size_bytes, modified_at, state)
    select :tenant, :source, s.path, s.revision, s.size, s.modified,
           case when s.whole or :settle = 0 then 'ready' else 'settling' end
      from unnest(cast(:paths as text[]), cast(:revisions as text[]), cast(:sizes as bigint[]),
                  cast(:times as timestamptz[]), cast(:wholes as bool[]))
           as s(path, revision, size, modified, whole)
    on conflict (tenant_id, source_id, path, revision) do update set last_seen_at = now()
    """
)
# A file that is as it was before another content of it was loaded, or comes back after it went away
# unread, is there anew: the old row keeps its story under a revision that no listing shows.
_BACK = text(
    """
    update source_file f
       set revision = f.revision || ' of '
           || to_char(f.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      from unnest(cast(:paths as text[]), cast(:revisions as text[])) as s(path, revision)
     where f.tenant_id = :tenant and f.source_id = :source
       and f.path = s.path and f.revision = s.revision
       and (f.state = 'skipped' and f.error->>'code' = 'gone'
            or exists (
              select from source_file p
               where p.tenant_id = :tenant and p.source_id = :source and p.path = f.path
                 and p.last_seen_at > f.last_seen_at
                 and p.state in ('taken', 'importing', 'waiting', 'imported')))
    """
)
# A file is settled when a later look, long enough after the first, shows the same revision.
_SETTLE = text(
    """
    update source_file set state = 'ready'
     where tenant_id = :tenant and source_id = :source and state = 'settling'
       and last_seen_at = now() and created_at <= now() - make_interval(secs => :settle)
    """
)
# What grew, was replaced or went away before it could be taken is no file of its own any more.
_PASSED = text(
    """
    update source_file
       set state = 'skipped',
           error = jsonb_build_object('code', 'gone', 'detail',
             'It was replaced or taken away before it could be read.')
     where tenant_id = :tenant and source_id = :source and state in ('settling', 'ready')
       and last_seen_at < now()
    """
)
_DUPLICATE = text(
    """
    select f.path from source_file f join stored_file s
        on s.tenant_id = f.tenant_id and s.id = f.file_id
     where f.tenant_id = :tenant and f.source_id = :source and f.id <> :file
       and f.state in ('taken', 'importing', 'waiting', 'imported') and s.sha256 = :sha
       -- A file that went back to what it said before is news; one that was renamed is not.
       and not exists (
         select from source_file p join stored_file o
             on o.tenant_id = p.tenant_id and o.id = p.file_id
          where p.tenant_id = :tenant and p.source_id = :source and p.path = :path
            and p.id <> :file and p.created_at > f.created_at and o.sha256 <> :sha
            and p.state in ('taken', 'importing', 'waiting', 'imported'))
     limit 1
    """
)


def note_listing(session: Session, source: Source, listing: Sequence[Seen]) -> list[SourceFile]:
    """Write down what is there now and return what may be taken, oldest first."""
    names: dict[str, Any] = {
        "tenant": source.tenant_id, "source": source.id, "settle": source.settle_seconds,
    }  # fmt: skip
    shown = {
        "paths": [seen.path for seen in listing],
        "revisions": [seen.revision for seen in listing],
    }
    session.execute(_BACK, names | shown)
    session.execute(
        _NOTE,
        names
        | shown
        | {
            "sizes": [seen.size_bytes for seen in listing],
            "times": [seen.modified_at for seen in listing],
            "wholes": [seen.whole for seen in listing],
        },
    )
    session.execute(_SETTLE, names)
    session.execute(_PASSED, names)
    query = (
        select(SourceFile)
        .where(SourceFile.source_id == source.id, SourceFile.state == "ready")
        .order_by(SourceFile.modified_at.nulls_last(), SourceFile.path)
    )
    return list(session.execute(query).scalars())


def some_settle(session: Session, source_id: UUID) -> bool:
    """Whether files are there that may still be growing."""
    query = select(SourceFile.id).where(
        SourceFile.source_id == source_id, SourceFile.state == "settling"
    )
    return session.execute(query.limit(1)).first() is not None


def note_taken(session: Session, file: SourceFile, stored: StoredFile) -> bool:
    """Note that the bytes of a file are here; False when this source had brought them before."""
    file.file_id = stored.id
    same = session.execute(
        _DUPLICATE,
        {
            "tenant": file.tenant_id, "source": file.source_id, "file": file.id,
            "sha": stored.sha256, "path": file.path,
        },
    ).scalar()  # fmt: skip
    file.state = "taken" if same is None else "skipped"
    if same is not None:
        file.error = {"code": "same_content", "detail": f"The same bytes came as {same} before."}
    session.flush()
    return same is None


def came_anew(session: Session, file: SourceFile) -> bool:
    """Whether a file of known bytes was written later than all others that had them.

    False for one that was only renamed, and while none of those bytes are loaded.
    """
    kept = select(StoredFile.sha256).where(StoredFile.id == file.file_id).scalar_subquery()
    # Some places give a renamed file a new time: but then the old name is there no more, and it
    # was not we who moved it away.
    beside = or_(
        SourceFile.path == file.path,
        SourceFile.settled_at.is_not(None),
        SourceFile.last_seen_at >= file.last_seen_at,
    )
    query = (
        select(
            func.max(SourceFile.modified_at),
            func.bool_or(SourceFile.state == "imported"),
            func.bool_or(beside),
        )
        .join(
            StoredFile,
            (StoredFile.tenant_id == SourceFile.tenant_id) & (StoredFile.id == SourceFile.file_id),
        )
        .where(
            SourceFile.source_id == file.source_id,
            SourceFile.id != file.id,
            StoredFile.sha256 == kept,
        )
    )
    newest, loaded, written = session.execute(query).one()
    later = newest is not None and file.modified_at is not None and file.modified_at > newest
    return bool(later and loaded and written)


def note_trouble(session: Session, file: SourceFile, state: str, code: str, detail: str) -> None:
    """Note why a file was not taken."""
    file.state, file.error = state, {"code": code, "detail": detail}
    session.flush()


def start_next(session: Session, source: Source) -> Bell | None:
    """Start importing the oldest file that is here, unless one of this source is under way.

    One at a time and in order: an older file must not overtake a newer one. Ring the bell after
    the commit. The caller has locked the source.
    """
    files = (
        select(SourceFile)
        .where(SourceFile.source_id == source.id, SourceFile.state.in_(("taken", "importing")))
        .order_by(SourceFile.state, SourceFile.modified_at.nulls_last(), SourceFile.path)
        .limit(1)
    )
    file = session.execute(files).scalar()
    if file is None or file.state == "importing":
        return None
    assert file.file_id is not None
    actor = f"source:{source.name}"
    wish = Wish(mode=source.mode, defaults=source.defaults or None)
    run = runs.request_import(session, source.tenant_id, file.file_id, wish, actor)
    run.source_type = source.type
    file.state, file.import_id = "importing", run.id
    return runs.start(session, run, "imports.run", actor, None)
