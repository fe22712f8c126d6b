"""Trapped money: holds that wait so long that they will hardly be charged any more.

How long holds wait for their charge is learned for each type of reference from the last half year.
The probability is an estimate; nothing is released by itself. What was released can be set aside
again, as long as the budget has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from bursar.database import Database
from bursar.errors import BursarError, Transient
from bursar.ledger.answers import Answer, Retry
from bursar.ledger.operations import release
from bursar.reports.budgets import stream_rows

LEARNS_FROM = timedelta(days=183)
LEAST_CHARGED = 20  # fewer charges of a type say nothing


@dataclass(frozen=True, slots=True)
class Trapped:
    """An open hold and how likely its charge is. `remaining` is in `currency`, times in seconds.

    It was learned from `learned_from` charges of its type: half of them came within
    `usual_seconds`, the last after `longest_seconds`.
    """

    ref_type: str
    ref_id: str
    budget_id: UUID
    currency: str
    remaining: Decimal
    stage: str
    created_at: datetime
    expires_at: datetime | None
    waited_seconds: int
    learned_from: int
    usual_seconds: int
    longest_seconds: int
    probability: Decimal


@dataclass(slots=True)
class Findings:
    """The holds least likely to be charged, and how many there are and what they hold in all."""

    holds: list[Trapped] = field(default_factory=list)
    count: int = 0
    releasable: dict[str, Decimal] = field(default_factory=dict)


def find_trapped(
    session: Session,
    tenant_id: UUID,
    now: datetime,
    *,
    most_probable: Decimal = Decimal("0.1"),
    limit: int = 200,
) -> Findings:
    """Open holds whose charge is at most as probable as `most_probable`, the unlikeliest first."""
    names = (tenant_id, now - LEARNS_FROM, now)
    found = Findings()
    for row in stream_rows(session, "select * from report_trapped(%s, %s, %s)", names):
        if row.probability > most_probable:
            break  # they come in this order
        if row.learned_from < LEAST_CHARGED:
            continue
        found.count += 1
        found.releasable[row.currency] = (
            found.releasable.get(row.currency, Decimal(0)) + row.remaining
        )
        if len(found.holds) < limit:
            found.holds.append(_trapped(row))
    return found


def _trapped(row: Any) -> Trapped:
    seconds = ("waited_seconds", "usual_seconds", "longest_seconds")
    names = Trapped.__dataclass_fields__
    values = {name: getattr(row, name) for name in names}
    return Trapped(**{**values, **{name: int(values[name]) for name in seconds}})


def release_each(
    database: Database,
    tenant_id: UUID,
    ref_type: str,
    ref_ids: Sequence[str],
    *,
    actor: str,
    key: str,
) -> list[Answer | BursarError]:
    """Give each hold back for itself; an answer or a refusal each, in order.

    Repeated with the same `key`, what was released already is answered as it was.
    """
    return [_release(database, tenant_id, ref_type, ref_id, actor, key) for ref_id in ref_ids]


def _release(
    database: Database, tenant_id: UUID, ref_type: str, ref_id: str, actor: str, key: str
) -> Answer | BursarError:
    own_key = hashlib.sha256("\x1f".join((key, ref_type, ref_id)).encode()).hexdigest()
    retry = Retry.of(own_key, "release", ref_type, ref_id)
    try:
        return release(
            database, tenant_id, ref_id, None, actor=actor, ref_type=ref_type, retry=retry
        )
    except Transient:
        raise  # the whole call may be tried again
    except BursarError as refusal:
        return refusal
