"""What a stack still has to do now, and when it will have something to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

_JOBS = """
  select count(*) filter (where state = 'running' or run_after <= now()),
         min(run_after) filter (where state <> 'running' and run_after > now()),
         array_agg(split_part(worker, ':', 2)::int) filter (where state = 'running'
           and leased_until > now() and attempts = 1),
         md5(string_agg(id::text || state || attempts::text, '' order by id))
    from job where state in ('queued', 'retrying', 'running')
"""
_SOURCES = """
  select count(*) filter (where least(next_due_at, next_expected_at) <= now()),
         min(least(next_due_at, next_expected_at))
           filter (where least(next_due_at, next_expected_at) > now())
    from source where is_active and deleted_at is null
"""
_DELIVERIES = """
  select count(*) filter (where next_attempt_at <= now()),
         min(next_attempt_at) filter (where next_attempt_at > now())
    from webhook_delivery where state = 'pending'
"""
_FOLLOWED = "select count(*) from tenants_with_due('source_files')"
_OUTBOX = "select count(*) from outbox where published_at is null"
_SCHEDULES = "select name, next_due_at, next_due_at <= now() from schedule"

NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class State:
    """`work`: somebody is at it, or should be. `duties`: what waits for its housekeeping."""

    work: bool
    duties: bool
    next_moment: datetime
    busy: list[int]
    fingerprint: object


class Pending:
    """Looks at the database as an operator would."""

    def __init__(self, watch: psycopg.Connection[Any]) -> None:
        self._watch = watch

    def look(self) -> State:
        """The state of this moment."""
        jobs, next_job, busy, print_of_jobs = self._row(_JOBS)
        sources, next_source = self._row(_SOURCES)
        deliveries, next_delivery = self._row(_DELIVERIES)
        waiting = {
            "start_sources": sources,
            "follow_imports": self._row(_FOLLOWED)[0],
            "raise_alerts": self._row(_OUTBOX)[0],
            "send_webhooks": deliveries,
        }
        moments = [moment for moment in (next_job, next_source, next_delivery) if moment]
        due_now = False
        for name, due_at, is_due in self._watch.execute(_SCHEDULES).fetchall():
            if waiting.get(name):
                due_now = due_now or is_due
                moments.append(due_at)
        return State(
            bool(jobs) or due_now,
            any(waiting.values()),
            min(moments, default=NEVER),
            busy or [],
            (print_of_jobs, *waiting.values()),
        )

    def _row(self, query: str) -> Any:
        row = self._watch.execute(query).fetchone()
        assert row is not None
        return row
