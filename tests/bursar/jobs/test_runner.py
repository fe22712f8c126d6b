"""Jobs: claimed once, fenced, tried again, buried, cancelled, rung for again."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.database import Database
from bursar.errors import (
    InvalidInput,
    JobNotCancellable,
    JobNotRetriable,
    LeaseLost,
    NotFound,
    Transient,
)
from bursar.jobs import rows, runner
from bursar.jobs.lease import Lease, claim
from bursar.jobs.sweep import due_jobs


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BURSAR_JOB_LEASE_SECONDS", "2")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def job_id(database: Database, tenant_id: UUID) -> UUID:
    with database.transaction(tenant_id) as session:
        bell = rows.enqueue(
            session, tenant_id, "imports.run", {"import_id": str(uuid4())}, actor="test"
        )
    return bell.job_id


def read(database: Database, tenant_id: UUID, job_id: UUID) -> Any:
    with database.transaction(tenant_id) as session:
        return rows.get_job(session, job_id)


def let_lease_expire(database: Database, tenant_id: UUID, job_id: UUID) -> None:
    with database.transaction(tenant_id) as session:
        session.execute(
            text("update job set leased_until = now() - interval '1 s', run_after = now()"
                 " where id = :id"),
            {"id": job_id},
        )  # fmt: skip


def nothing(_lease: Lease) -> None:
    """Work that succeeds."""


class Failures(list[tuple[str, str]]):
    """What the subject of the job was told."""

    def __call__(
        self, _session: Session, _lease: Lease, state: str, error: dict[str, object]
    ) -> None:
        self.append((state, str(error["code"])))


def test_a_job_is_done_once_however_often_it_is_delivered(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    done: list[UUID] = []
    work = lambda lease: done.append(lease.job_id)
    assert runner.run(database, tenant_id, job_id, work, Failures()) == "succeeded"
    assert runner.run(database, tenant_id, job_id, work, Failures()) == "not_ours"
    assert done == [job_id]
    assert read(database, tenant_id, job_id).state == "succeeded"


def test_a_delivery_while_it_runs_is_ignored(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    lease = claim(database, tenant_id, job_id, "first", 10)
    assert lease is not None
    assert claim(database, tenant_id, job_id, "second", 10) is None


def test_a_worker_that_lost_its_lease_cannot_finish(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    slow = claim(database, tenant_id, job_id, "slow", 2)
    assert slow is not None
    let_lease_expire(database, tenant_id, job_id)
    quick = claim(database, tenant_id, job_id, "quick", 10)
    assert quick is not None
    with pytest.raises(LeaseLost), database.transaction(tenant_id) as session:
        slow.end(session, "succeeded")
    with database.transaction(tenant_id) as session:
        quick.end(session, "succeeded")
    assert read(database, tenant_id, job_id).worker == "quick"


def test_a_terminal_error_ends_the_job_and_tells_its_subject(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(_lease: Lease) -> None:
        raise InvalidInput("the file is wrong")

    failures = Failures()
    assert runner.run(database, tenant_id, job_id, work, failures) == "failed"
    assert failures == [("failed", "invalid_input")]
    assert read(database, tenant_id, job_id).error["detail"] == "the file is wrong"


def test_a_passing_error_is_tried_again_and_then_the_job_is_dead(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(_lease: Lease) -> None:
        raise Transient

    failures = Failures()
    outcomes = []
    for _ in range(3):
        outcomes.append(runner.run(database, tenant_id, job_id, work, failures))
        let_lease_expire(database, tenant_id, job_id)
    assert outcomes == ["retrying", "retrying", "dead"]
    assert failures == [("dead", "transient")]
    with database.transaction(tenant_id) as session:
        assert [a.outcome for a in rows.attempts_of(session, job_id)] == outcomes


def test_an_unforeseen_error_does_not_show_its_text(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(_lease: Lease) -> None:
        raise ValueError("salary of Ms Smith: 90000")

    runner.run(database, tenant_id, job_id, work, Failures())
    assert "Smith" not in str(read(database, tenant_id, job_id).error)


def test_a_job_that_kills_its_worker_is_buried_after_three_attempts(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    for n in range(3):
        assert claim(database, tenant_id, job_id, f"victim-{n}", 2) is not None
        let_lease_expire(database, tenant_id, job_id)
    failures = Failures()
    assert runner.run(database, tenant_id, job_id, nothing, failures) == "dead"
    assert failures == [("dead", "worker_lost")]
    with database.transaction(tenant_id) as session:
        assert {a.outcome for a in rows.attempts_of(session, job_id)} == {"worker_lost"}


def test_a_dead_job_can_be_tried_again_and_a_done_one_cannot(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(_lease: Lease) -> None:
        raise InvalidInput

    runner.run(database, tenant_id, job_id, work, Failures())
    with database.transaction(tenant_id) as session:
        rows.retry(session, job_id, "operator")
    assert runner.run(database, tenant_id, job_id, nothing, Failures()) == "succeeded"
    with pytest.raises(JobNotRetriable), database.transaction(tenant_id) as session:
        rows.retry(session, job_id, "operator")


def test_a_waiting_job_is_cancelled_at_once(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    with database.transaction(tenant_id) as session:
        assert rows.cancel(session, job_id)
    assert runner.run(database, tenant_id, job_id, nothing, Failures()) == "not_ours"
    with pytest.raises(JobNotCancellable), database.transaction(tenant_id) as session:
        rows.cancel(session, job_id)


def test_a_running_job_stops_at_its_next_checkpoint(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(lease: Lease) -> None:
        with database.transaction(tenant_id) as session:
            assert not rows.cancel(session, job_id)
        for step in range(60):
            lease.progress(step, 60, "working")
            lease._stop.wait(0.1)
            lease.checkpoint()

    failures = Failures()
    assert runner.run(database, tenant_id, job_id, work, failures) == "cancelled"
    assert failures == [("cancelled", "job_cancelled")]


def test_a_cancelled_job_whose_worker_died_ends_too(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    assert claim(database, tenant_id, job_id, "victim", 2) is not None
    with database.transaction(tenant_id) as session:
        rows.cancel(session, job_id)
    let_lease_expire(database, tenant_id, job_id)
    failures = Failures()
    assert runner.run(database, tenant_id, job_id, nothing, failures) == "cancelled"


def test_the_heartbeat_keeps_the_lease_and_shows_progress(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(lease: Lease) -> None:
        lease.progress(7, 10, "reading")
        lease._stop.wait(3)  # longer than the lease
        assert claim(database, tenant_id, job_id, "thief", 2) is None
        assert read(database, tenant_id, job_id).progress_done == 7

    assert runner.run(database, tenant_id, job_id, work, Failures()) == "succeeded"


def test_the_sweeper_rings_for_lost_bells_and_expired_leases(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def rung() -> bool:
        bells = due_jobs(database, quiet=timedelta(seconds=0))
        return job_id in {bell.job_id for bell in bells}

    assert rung()
    lease = claim(database, tenant_id, job_id, "victim", 10)
    assert lease is not None
    assert not rung()
    let_lease_expire(database, tenant_id, job_id)
    assert rung()


def test_another_tenant_s_job_does_not_exist(database: Database, job_id: UUID) -> None:
    with pytest.raises(NotFound), database.transaction(uuid4()) as session:
        rows.get_job(session, job_id)


def test_a_cancelled_job_that_fails_in_passing_is_cancelled_not_left_hanging(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    def work(_lease: Lease) -> None:
        with database.transaction(tenant_id) as session:
            rows.cancel(session, job_id)
        raise Transient

    failures = Failures()
    assert runner.run(database, tenant_id, job_id, work, failures) == "cancelled"
    assert failures == [("cancelled", "job_cancelled")]


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    database: Database, tenant_id: UUID, job_id: UUID
) -> None:
    slow = claim(database, tenant_id, job_id, "slow", 2)
    assert slow is not None
    with database.transaction(tenant_id) as session:
        slow.hold(session)
    let_lease_expire(database, tenant_id, job_id)
    assert claim(database, tenant_id, job_id, "quick", 10) is not None
    with pytest.raises(LeaseLost), slow.transaction() as session:
        slow.hold(session)
