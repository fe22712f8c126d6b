"""Reading imports: the list, one of them as a whole with its attempts, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, text, tuple_
from sqlalchemy.orm import Session

from bursar.importing.repairing.mending import Attempts, attempts_of, count_waiting, waiting_rows
from bursar.importing.runs import ENDED
from bursar.paging import Page, page
from schema.tables import ImportRow, ImportRun, StoredFile


@dataclass(frozen=True, slots=True)
class Standing:
    """How an import stands as a whole: what its first run and all attempts came to together."""

    state: str
    error: dict[str, Any] | None
    total: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    amounts: dict[str, dict[str, str]]
    attempts: tuple[UUID, ...] = ()


def standing_of(session: Session, run: ImportRun) -> Standing:
    """What a run came to; of the first run of an import, with what came after it."""
    if run.continues_id is None:
        attempts = attempts_of(session, run)
        if attempts.later:
            return _together(session, attempts)
    return alone(run)


def standings_of(session: Session, runs: Sequence[ImportRun]) -> dict[UUID, Standing]:
    """How each of some imports stands, by its id."""
    ids = [run.id for run in runs]
    continued = set(
        session.execute(
            select(ImportRun.continues_id).where(ImportRun.continues_id.in_(ids)).distinct()
        ).scalars()
    )
    return {run.id: standing_of(session, run) if run.id in continued else alone(run)
            for run in runs}  # fmt: skip


def alone(run: ImportRun) -> Standing:
    """What one run came to by itself."""
    return Standing(
        run.state,
        run.error,
        run.total_rows,
        run.created_rows,
        run.updated_rows,
        run.unchanged_rows,
        run.rejected_rows,
        run.amounts,
    )


def rejected_rows(
    session: Session, run: ImportRun, *, after: int | None, limit: int
) -> list[ImportRow]:
    """Rejected rows of a run, or of an import as a whole those that still wait; as `plan_rows`."""
    if run.continues_id is None:
        attempts = attempts_of(session, run)
        if attempts.later:
            return list(waiting_rows(session, attempts, after=after, limit=limit))
    return plan_rows(session, run.id, action="rejected", after=after, limit=limit)


def _together(session: Session, attempts: Attempts) -> Standing:
    newest, applied = attempts.newest, attempts.applied
    waiting = count_waiting(session, attempts)
    state, error = newest.state, newest.error
    if applied and newest.state in ENDED:
        state = "completed_with_errors" if waiting else "completed"
    if attempts.first.state == "undone":
        state, error = "undone", None
    counted = applied or [newest if newest.total_rows else attempts.first]
    created, updated, unchanged = (
        sum(getattr(run, name) for run in counted)
        for name in ("created_rows", "updated_rows", "unchanged_rows")
    )
    return Standing(
        state,
        error,
        created + updated + unchanged + waiting,
        created,
        updated,
        unchanged,
        waiting,
        _sum_amounts(session, counted),
        tuple(run.id for run in attempts.later),
    )


def _sum_amounts(session: Session, runs: list[ImportRun]) -> dict[str, dict[str, str]]:
    """Sums of the budgets touched, before the first run and after the last, by currency."""
    if len(runs) == 1:
        return runs[0].amounts
    sums = session.execute(
        text("select * from import_sums(:tenant, :imports)"),
        {"tenant": runs[0].tenant_id, "imports": [run.id for run in runs]},
    ).all()
    return {row.currency: {"before": str(row.before), "after": str(row.after)} for row in sums}


def list_runs(
    session: Session, *, state: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of imports with their files' names, newest first."""
    query = select(ImportRun, StoredFile.name).join(
        StoredFile,
        and_(StoredFile.tenant_id == ImportRun.tenant_id, StoredFile.id == ImportRun.file_id),
    )
    if state is not None:
        query = query.where(ImportRun.state == state)
    found = page(
        session,
        query,
        columns={"created_at": ImportRun.__table__.c.created_at},
        key=ImportRun.__table__.c.id,
        limit=limit,
        cursor=cursor,
    )
    return Page([(row.ImportRun, row.name) for row in found.rows], found.next_cursor)


def plan_rows(
    session: Session, import_id: UUID, *, action: str | None, after: int | None, limit: int
) -> list[ImportRow]:
    """Rows of a plan in file order, one more than `limit` where there are more.

    `after` is row × 1000 + part of the last row seen.
    """
    query = select(ImportRow).where(ImportRow.import_id == import_id)
    if action is not None:
        query = query.where(ImportRow.action == action)
    if after is not None:
        row, part = divmod(after, 1000)
        query = query.where(tuple_(ImportRow.row_no, ImportRow.part) > (row, part))
    query = query.order_by(ImportRow.row_no, ImportRow.part).limit(limit + 1)
    return list(session.execute(query).scalars())
