"""Many jobs tried again and cancelled at once: named, or by state, in bounded steps."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from bursar.database import Database
from bursar.errors import InvalidInput, JobNotRetriable
from bursar.jobs import bulk, rows
from bursar.jobs.bulk import Chosen, cancel_many, retry_many
from bursar.tenants import create_tenant
from tests.bursar.jobs.test_overview import add


def state_of(database: Database, tenant_id: UUID, job_id: UUID) -> str:
    with database.transaction(tenant_id) as session:
        return rows.get_job(session, job_id).state


def test_named_jobs_are_tried_again_and_others_left_alone(
    database: Database, tenant_id: UUID
) -> None:
    dead = add(database, tenant_id, "dead", attempts=3, error={"code": "x"})
    failed = add(database, tenant_id, "failed")
    done = add(database, tenant_id, "succeeded")
    foreign = add(database, other := create_tenant(database, "Other"), "dead")
    ids = (dead, failed, done, foreign, uuid4())
    with database.transaction(tenant_id, "user:ana") as session:
        step = retry_many(session, Chosen(ids), "user:ana")
    assert {job.bell.job_id for job in step.changed} == {dead, failed}
    assert (step.left_alone, step.more) == (3, False)
    assert state_of(database, other, foreign) == "dead"
    with database.transaction(tenant_id) as session:
        job = rows.get_job(session, dead)
    assert (job.state, job.error, job.created_by) == ("queued", None, "user:ana")
    assert job.max_attempts > 3


def test_all_of_a_state_and_kind_end_step_by_step(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "STEP", 2)
    ids = [add(database, tenant_id, "dead") for _ in range(5)]
    kept = add(database, tenant_id, "dead", kind="ledger.seal", queue="periods")
    done, more = [], True
    while more:
        with database.transaction(tenant_id, "test") as session:
            step = retry_many(session, Chosen(state="dead", kind="imports.run"), "test")
        assert len(step.changed) <= 2
        done += [job.bell.job_id for job in step.changed]
        more = step.more
    assert done == ids, "the oldest first"
    assert state_of(database, tenant_id, kept) == "dead"


def test_jobs_that_would_do_the_same_twice_are_tried_once(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "STEP", 2)
    same = [add(database, tenant_id, "failed", dedup_key="reset") for _ in range(3)]
    alone = add(database, tenant_id, "failed")
    done, more = [], True
    while more:
        with database.transaction(tenant_id, "test") as session:
            step = retry_many(session, Chosen(state="failed"), "test")
        done += [job.bell.job_id for job in step.changed]
        more = step.more
    assert done == [same[1], alone]
    with database.transaction(tenant_id, "test") as session:
        assert retry_many(session, Chosen((same[0],)), "test").left_alone == 1
        with pytest.raises(JobNotRetriable, match="does the same"):
            rows.retry(session, same[0], "test")


def test_waiting_jobs_are_cancelled_at_once_and_running_ones_asked_to_stop(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, again = (add(database, tenant_id, state) for state in ("queued", "retrying"))
    runs = [add(database, tenant_id, "running") for _ in range(3)]
    with database.transaction(tenant_id, "test") as session:
        step = cancel_many(session, Chosen((waits, again)))
    assert {job.state for job in step.changed} == {"cancelled"}
    monkeypatch.setattr(bulk, "STEP", 2)
    counts = []
    for _ in range(2):
        with database.transaction(tenant_id, "test") as session:
            counts.append(len(cancel_many(session, Chosen(state="running")).changed))
    assert counts == [2, 1]
    with database.transaction(tenant_id) as session:
        asked = [rows.get_job(session, job_id) for job_id in runs]
        assert rows.get_job(session, waits).finished_at is not None
    assert {(job.state, job.cancel_requested, job.finished_at) for job in asked} == {
        ("running", True, None)
    }


def test_a_choice_that_says_nothing_is_refused(database: Database, tenant_id: UUID) -> None:
    with database.transaction(tenant_id, "test") as session:
        for chosen in (Chosen(), Chosen(state="succeeded"), Chosen(state="queued")):
            with pytest.raises(InvalidInput):
                retry_many(session, chosen, "test")
        with pytest.raises(InvalidInput):
            cancel_many(session, Chosen(state="dead"))
        with pytest.raises(InvalidInput):
            cancel_many(session, Chosen(tuple(uuid4() for _ in range(501))))


def test_lists_find_the_beginning_of_an_id_and_words_of_an_error(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"code": "x", "detail": "The 100% host was away."}
    wanted = add(database, tenant_id, "dead", error=told)
    add(database, tenant_id, "dead", kind="ledger.seal", queue="periods", error=told)
    add(database, tenant_id, "failed", error={"code": "x", "detail": "Nothing."})

    def found(**filters: str) -> list[UUID]:
        ids, cursor = [], None
        while True:
            with database.transaction(tenant_id) as session:
                page = rows.list_jobs(session, cursor=cursor, **filters)
            ids += [job.id for job in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                return ids

    for beginning in (str(wanted), str(wanted)[:30], wanted.hex.upper()):
        assert found(q=beginning) == [wanted]
    assert found(q=str(wanted), state="failed") == []
    assert len(found(q="100% HOST")) == 2
    assert found(q="100% host", kind="imports.run") == [wanted]
    monkeypatch.setattr(rows, "WITHIN", 1)
    assert found(q="100% host", kind="imports.run", state="dead") == [wanted]
    assert found(q="100_ host") == []
