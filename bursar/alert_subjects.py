"""What alerts are about: the budget, source, import, job or webhook that each one names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from schema.tables import Alert, Budget, Source, WebhookEndpoint

# Kind of subject → where the details of an alert name it.
_NAMED_IN = {
    "source": "source_id",
    "import": "import_id",
    "job": "job_id",
    "webhook": "endpoint_id",
}
_TABLES: dict[str, tuple[Any, Any]] = {
    "budget": (Budget, Budget.name),
    "source": (Source, Source.name),
    "webhook": (WebhookEndpoint, WebhookEndpoint.url),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that an alert is about; `is_there` is false for what was deleted since."""

    kind: str
    id: UUID
    name: str = ""
    is_there: bool = True


def subjects_of(session: Session, alerts: Sequence[Alert]) -> dict[UUID, list[Subject]]:
    """The subjects of each alert, by its id: the nearest first, in one look a kind."""
    named = {alert.id: list(_named(alert)) for alert in alerts}
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for pairs in named.values():
        for kind, subject_id in pairs:
            wanted[kind].add(subject_id)
    known: dict[tuple[str, UUID], Subject] = {}
    for kind, (table, name) in _TABLES.items():
        query = select(table.id, name.label("name"), table.deleted_at)
        for row in session.execute(query.where(table.id.in_(wanted[kind]))):
            known[kind, row.id] = Subject(kind, row.id, row.name, row.deleted_at is None)
    return {
        alert_id: [
            known.get(pair, Subject(*pair)) for pair in pairs
            if pair in known or pair[0] not in _TABLES
        ]
        for alert_id, pairs in named.items()
    }  # fmt: skip


def _named(alert: Alert) -> list[tuple[str, UUID]]:
    found = [("budget", alert.budget_id)] if alert.budget_id is not None else []
    for kind, name in _NAMED_IN.items():
        try:
            found.append((kind, UUID(str(alert.details[name]))))
        except (KeyError, ValueError):
            continue
    return found
