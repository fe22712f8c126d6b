"""Taking a file again that failed or was passed over, when its cause is gone."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.errors import NotFound, NotRetakable
from bursar.importing.repairing.mending import attempts_of
from bursar.importing.runs import ENDED, get_run
from bursar.jobs.rows import Bell
from bursar.sources.arriving import start_next
from schema.tables import Source, SourceFile

_LEFT = ("failed", "skipped")


def retake(
    session: Session, source: Source, file_id: UUID, actor: str
) -> tuple[SourceFile, Bell | None]:
    """Send a file through once more; its alarm is over. The caller has locked the source.

    With its bytes kept it is imported anew, in its turn; else the next run looks for it. Ring the
    bell after the commit. Raises NotFound, NotRetakable.
    """
    query = select(SourceFile).where(SourceFile.id == file_id, SourceFile.source_id == source.id)
    file = session.execute(query.with_for_update()).scalar_one_or_none()
    if file is None:
        raise NotFound("There is no such file of this source.")
    _require_left(session, file)
    # `settling`: the next look takes it at once if it is still there, as it was seen long ago.
    file.state = "settling" if file.file_id is None else "taken"
    file.error = file.import_id = None
    alerts.resolve_key(session, file.tenant_id, f"source_file:{file.id}", actor)
    session.flush()
    bell = start_next(session, source)
    session.flush()
    session.refresh(file)
    return file, bell


def _require_left(session: Session, file: SourceFile) -> None:
    if file.state not in _LEFT:
        raise NotRetakable
    if file.import_id is not None:
        attempts = attempts_of(session, get_run(session, file.import_id))
        if any(run.state not in ENDED for run in (attempts.first, *attempts.later)):
            raise NotRetakable("Its import is being tried again already; wait for it to end.")
    newer = select(SourceFile.id).where(
        SourceFile.source_id == file.source_id,
        SourceFile.path == file.path,
        SourceFile.created_at > file.created_at,
        SourceFile.state.not_in(_LEFT),
    )
    if session.execute(newer.limit(1)).first() is not None:
        # It would lay old amounts over new ones.
        raise NotRetakable(
            f"{file.path} has come in a newer version since, which stands. To load this one all the"
            " same, upload it."
        )
