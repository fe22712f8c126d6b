"""Reservations of one budget that wait at the same moment go to the database in one call.

A hot budget is one row that everybody locks in turn; many reservations under one lock cost little
more than one. Who comes while nobody is at the budget goes straight through.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from uuid import UUID

from bursar.database import Database
from bursar.errors import BursarError, Transient
from bursar.ledger.answers import Answer
from bursar.ledger.batches import Item, reserve_many
from bursar.ledger.operations import reserve

MOST_AT_ONCE = 200
_PATIENCE_SECONDS = 30.0


@dataclass(slots=True)
class _Waiting:
    """A caller that waits, until it has its outcome or is to carry the next call."""

    item: Item
    woken: threading.Event = field(default_factory=threading.Event)
    outcome: Answer | BaseException | None = None
    carries: bool = False


class Combiner:
    """Of the callers of one budget in this process one carries a call for all who wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[Hashable, list[_Waiting]] = {}

    def reserve(self, database: Database, tenant_id: UUID, item: Item) -> Answer:
        """As `bursar.ledger.operations.reserve`, with the same answers and refusals."""
        place = (id(database), tenant_id, item.budget_id)
        mine = _Waiting(item)
        with self._lock:
            queue = self._queues.get(place)
            if queue is None:
                self._queues[place] = []
                mine.carries = True
            else:
                queue.append(mine)
        if not mine.carries and not mine.woken.wait(_PATIENCE_SECONDS):
            with self._lock:
                waiting = self._queues.get(place, [])
                if mine in waiting:
                    waiting.remove(mine)
                    raise Transient("The budget is very busy; try again.")
            mine.woken.wait()
        if mine.carries:
            self._carry(database, tenant_id, place, mine)
        if isinstance(mine.outcome, BaseException):
            raise mine.outcome
        assert mine.outcome is not None
        return mine.outcome

    def _carry(self, database: Database, tenant_id: UUID, place: Hashable, mine: _Waiting) -> None:
        """Make the call for this caller and all who wait, and pass the turn on."""
        with self._lock:
            queue = self._queues[place]
            others, queue[:] = queue[: MOST_AT_ONCE - 1], queue[MOST_AT_ONCE - 1 :]
        together = [mine, *others]
        try:
            outcomes = _call(database, tenant_id, [one.item for one in together])
        except BaseException as error:  # noqa: BLE001  each caller raises it for itself
            outcomes = [error] * len(together)
        for one, outcome in zip(together, outcomes, strict=True):
            one.outcome = outcome
        with self._lock:
            queue = self._queues[place]
            if queue:
                queue[0].carries = True
                queue.pop(0).woken.set()
            else:
                del self._queues[place]
        for one in others:
            one.woken.set()


def _call(database: Database, tenant_id: UUID, items: list[Item]) -> list[Answer | BaseException]:
    if len(items) > 1:
        return list(reserve_many(database, tenant_id, items))
    (item,) = items
    try:
        return [
            reserve(
                database, tenant_id, item.budget_id, item.amount, item.currency,
                ref_id=item.ref_id, actor=item.actor, ref_type=item.ref_type,
                expires_at=item.expires_at, retry=item.retry,
            )
        ]  # fmt: skip
    except BursarError as refusal:
        return [refusal]
