"""What an operator looks at agrees with the rows, and shows no secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import func

from bursar import schedules
from bursar.database import Database
from bursar.jobs import rows
from bursar.jobs.overview import depths, ended_badly, without_secrets
from bursar.trail import changes_of
from schema.tables import Job


def add(database: Database, tenant_id: UUID, state: str, **fields: Any) -> UUID:
    given: dict[str, Any] = {"kind": "imports.run", "queue": "imports", "created_by": "test"}
    given |= {"payload": {"import_id": str(uuid4())}} | fields
    with database.transaction(tenant_id, "test") as session:
        job = Job(tenant_id=tenant_id, state=state, **given)
        session.add(job)
        session.flush()
        return job.id


def test_depths_are_those_of_plain_sql(
    database: Database, tenant_id: UUID, superuser: psycopg.Connection
) -> None:
    for state in ("queued", "queued", "retrying", "running", "succeeded", "dead"):
        add(database, tenant_id, state)
    add(database, tenant_id, "queued", kind="sources.sync", queue="syncs",
        run_after=func.now() - timedelta(hours=1))  # fmt: skip
    add(database, tenant_id, "retrying", kind="ledger.seal", queue="periods",
        run_after=func.now() + timedelta(hours=1))  # fmt: skip
    with database.transaction(tenant_id) as session:
        found = {(d.queue, d.kind): d for d in depths(session)}
    told = superuser.execute(
        "select queue, kind, count(*) filter (where state = 'queued'),"
        " count(*) filter (where state = 'retrying'), count(*) filter (where state = 'running')"
        " from job where tenant_id = %s and state in ('queued', 'retrying', 'running')"
        " group by 1, 2", (tenant_id,),
    ).fetchall()  # fmt: skip
    assert {row[:2]: row[2:] for row in told} == {
        key: (d.waiting, d.retrying, d.running) for key, d in found.items()
    }
    waits = found["syncs", "sources.sync"].oldest
    assert waits is not None
    assert found["imports", "imports.run"].oldest is not None
    assert found["periods", "ledger.seal"].oldest is None, "it is not ready yet"


def test_only_what_ended_badly_within_the_day_is_told_newest_first(
    database: Database, tenant_id: UUID
) -> None:
    old = timedelta(days=3)
    first = add(database, tenant_id, "dead", created_at=func.now() - old,
                finished_at=func.now() - timedelta(hours=2))  # fmt: skip
    add(database, tenant_id, "failed", finished_at=func.now() - old)
    add(database, tenant_id, "cancelled", finished_at=func.now())
    last = add(database, tenant_id, "failed", finished_at=func.now() - timedelta(hours=1))
    with database.transaction(tenant_id) as session:
        assert [job.id for job in ended_badly(session)] == [last, first]
        assert [job.id for job in ended_badly(session, limit=1)] == [last]


def test_who_cancels_and_tries_again_stands_in_the_trail(
    database: Database, tenant_id: UUID
) -> None:
    job_id = add(database, tenant_id, "queued")
    other = add(database, tenant_id, "running")
    with database.transaction(tenant_id, "user:ana") as session:
        rows.cancel(session, job_id)
        rows.cancel(session, other)
    with database.transaction(tenant_id, "user:bo") as session:
        rows.retry(session, job_id, "user:bo")
    with database.transaction(tenant_id) as session:
        told = [
            (c.action, c.actor, c.from_state) for c in changes_of(session, "job", job_id).rows[::-1]
        ]
        assert [c.action for c in changes_of(session, "job", other).rows] == ["cancel"]
        assert changes_of(session, "job", uuid4()).rows == []
    assert told == [("cancel", "user:ana", "queued"), ("retry", "user:bo", "cancelled")]


def test_a_payload_is_shown_without_secrets() -> None:
    payload = {
        "import_id": "x",
        "Password": "hunter2",
        "nested": [{"api_key": "k", "url": "https://me:hunter2@host/x"}],
        "count": 3,
    }
    shown = without_secrets(payload)
    assert "hunter2" not in str(shown)
    assert shown == {
        "import_id": "x", "Password": "***", "count": 3,
        "nested": [{"api_key": "***", "url": "https://me:***@host/x"}],
    }  # fmt: skip


def test_a_schedule_says_when_it_ran_and_whether_it_is_late(
    database: Database, superuser: psycopg.Connection
) -> None:
    schedules.take_due(database)

    def standing(name: str) -> schedules.Standing:
        with database.transaction(None) as session:
            return {one.name: one for one in schedules.standings(session)}[name]

    assert {s.name for s in schedules.all_schedules(database)} == set(schedules.HOUSEKEEPING)
    assert standing("seal_ledger").last_at is not None
    assert standing("seal_ledger").state == "on_time"
    moved = "update schedule set next_due_at = now() - interval '1 min' where name = 'seal_ledger'"
    superuser.execute(moved.encode())
    superuser.commit()
    assert standing("seal_ledger").state == "late"
    schedules.pause(database, "seal_ledger")
    try:
        assert standing("seal_ledger").state == "paused"
    finally:
        schedules.resume(database, "seal_ledger")
        schedules.take_due(database)


@pytest.mark.parametrize(("seconds", "state"), [(1, "healthy"), (50, "down")])
def test_a_process_that_is_silent_is_down(
    database: Database, superuser: psycopg.Connection, seconds: int, state: str
) -> None:
    schedules.beat(database, "beat")
    superuser.execute(
        "update heartbeat set seen_at = now() - make_interval(secs => %s) where name = 'beat'",
        (seconds,),
    )
    superuser.commit()
    found = {one.name: one for one in schedules.processes(database)}
    assert found["beat"].state == state
