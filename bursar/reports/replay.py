"""Decisions given again: which checks would be answered otherwise with what is known now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.errors import NotFound
from bursar.reports.budgets import stream_rows
from bursar.reports.ranges import Span
from schema.tables import ImportRun


@dataclass(frozen=True, slots=True)
class Flipped:
    """A check whose answer would be another now. Amounts are in `currency`.

    `available` is what it saw, `available_now` what it would see: the same moment, with the
    `late_entries` that were dated before it and recorded after it.
    """

    decision_id: UUID
    budget_id: UUID
    currency: str
    amount: Decimal
    decided_at: datetime
    actor: str
    decision: str
    reason: str
    available: Decimal
    decision_now: str
    reason_now: str
    available_now: Decimal
    late_entries: int


_REPLAY = "select * from report_replay(%s, %s, %s, %s::uuid, %s::timestamptz)"


def flipped(
    session: Session,
    tenant_id: UUID,
    span: Span,
    import_id: UUID | None = None,
    effective_at: datetime | None = None,
) -> Iterator[Flipped]:
    """The checks of a span that would be answered otherwise now, oldest first.

    With an import, as if its file had come by `effective_at` instead of when it did. Raises
    NotFound for an import that is not there.
    """
    if import_id is not None:
        there = select(ImportRun.id).where(ImportRun.id == import_id)
        if session.execute(there).first() is None:
            raise NotFound("There is no such import.")
    names = (tenant_id, span.starts_at, span.ends_at, import_id, effective_at)
    for row in stream_rows(session, _REPLAY, names):
        yield Flipped(**row._asdict())
