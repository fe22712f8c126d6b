"""How fresh a budget's numbers are: whether the source that brought them is late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from schema.tables import ImportRun, Source, SourceFile


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of the source of a budget.

    `is_stale`: its file did not come in time, or came with other columns; until a good one comes,
    checks of the budget are answered by `policy`.
    """

    source_id: UUID
    source: str
    is_stale: bool
    policy: str
    last_file_at: datetime | None
    next_expected_at: datetime | None


def of_imports(session: Session, imports: Iterable[UUID | None]) -> dict[UUID, Freshness]:
    """The freshness of what each of these imports brought; nothing for those of no source."""
    wanted = {one for one in imports if one is not None}
    if not wanted:
        return {}
    # Mended rows come by a run of their own, which continues the one of the source's file.
    first = func.coalesce(ImportRun.continues_id, ImportRun.id)
    query = (
        select(ImportRun.id, Source)
        .join(
            SourceFile,
            (SourceFile.tenant_id == ImportRun.tenant_id) & (SourceFile.import_id == first),
        )
        .join(
            Source, (Source.tenant_id == SourceFile.tenant_id) & (Source.id == SourceFile.source_id)
        )
        .where(ImportRun.id.in_(wanted), Source.deleted_at.is_(None))
    )
    return {
        import_id: Freshness(
            source.id, source.name, source.is_stale, source.stale_policy, source.last_file_at,
            source.next_expected_at,
        )
        for import_id, source in session.execute(query)
    }  # fmt: skip
