"""Many reservations in one SQL call, for callers who have many and for a hot budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from bursar.database import Database
from bursar.errors import BursarError
from bursar.ledger.answers import Answer, Retry, answer_of

Mode = Literal["each", "all"]


@dataclass(frozen=True, slots=True)
class Item:
    """One reservation to make. `amount` is in `currency`, which must be the budget's."""

    budget_id: UUID
    amount: Decimal
    currency: str
    ref_id: str
    actor: str
    ref_type: str = "reservation"
    expires_at: datetime | None = None
    retry: Retry | None = None


def reserve_many(
    database: Database, tenant_id: UUID, items: Sequence[Item], mode: Mode = "each", *,
    one_request: bool = False,
) -> list[Answer | BursarError]:  # fmt: skip
    """Reserve each item for itself, or all or none; an answer or a refusal each, in order.

    A refusal is what `reserve` would have raised; where none is posted because another was refused,
    the others are BatchRefused. With `one_request` the keys of all items are one caller's, and one
    that came with another request refuses them all (IdempotencyKeyReused).
    """
    if not items:
        return []
    columns = zip(
        *(
            (
                item.budget_id, item.amount, item.currency, item.ref_type, item.ref_id,
                item.expires_at, item.actor, item.retry.key if item.retry else None,
                item.retry.request_hash if item.retry else None,
            )
            for item in items
        ),
        strict=True,
    )  # fmt: skip
    rows = database.call_all(
        "select * from ledger_reserve_many(%s, %s, %s::uuid[], %s::numeric[], %s::text[],"
        " %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::bytea[], %s)",
        (tenant_id, mode, *map(list, columns), one_request),
    )
    return [_outcome(row) for row in rows]


def _outcome(row: object) -> Answer | BursarError:
    try:
        return answer_of(row)
    except BursarError as refusal:
        return refusal
