"""How a source is, in one word."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bursar.sources.editing import list_runs
from schema.tables import Source, SourceRun

STRIP = 12  # the last runs that are looked at


def standing(session: Session, source: Source) -> tuple[str, list[SourceRun]]:
    """The health of a source, and its last runs, oldest first."""
    found = list_runs(session, source.id, limit=STRIP)
    runs = [row.SourceRun for row in reversed(found.rows)]
    ended = [run for run in runs if run.ended_at is not None]
    health = _of_itself(source)
    if health is None and not ended:
        health = "untried"
    elif health is None:
        health = "partial" if ended[-1].state == "partial" else "healthy"
    return health, runs


def unwell(session: Session, limit: int = 5) -> list[tuple[Source, str]]:
    """Sources that are held, fail or are late, those that failed most often first."""
    query = (
        select(Source)
        .where(
            Source.deleted_at.is_(None),
            Source.is_active,
            or_(Source.held_until.is_not(None), Source.failures > 0, Source.is_stale),
        )
        .order_by(Source.failures.desc(), Source.name)
        .limit(limit)
    )
    found = session.execute(query).scalars()
    return [(source, _of_itself(source) or "stale") for source in found]


def _of_itself(source: Source) -> str | None:
    """What the source says without its runs; None where it says nothing."""
    if not source.is_active:
        return "resting"
    if source.held_until is not None:
        return "held"
    return "failing" if source.failures else None
