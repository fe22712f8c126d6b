"""Sources that cannot be read: named once, looked at again, held, and good again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bursar.config import settings
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from bursar.sources import editing, outcomes
from bursar.sources.scheduling import start_run
from schema.tables import Job, Source, SourceRun
from tests.connectors.conftest import Feed


def fail(feed: Feed) -> str:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        source = editing.get_source(session, feed.id, lock=True)
        run, bell = start_run(session, source, "manual", "test")
    assert bell is not None
    feed.work(bell)
    state: str = feed.one(SourceRun, SourceRun.id == run.id).state  # type: ignore[union-attr]
    return state


def test_a_source_that_cannot_be_read_is_named_once_until_it_can(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    monkeypatch.setattr(settings(), "allow_private_hosts", "")
    assert fail(feed) == "failed"
    assert fail(feed) == "failed"
    assert feed.alerts() == ["source_failed"]
    assert feed.source().failures == 2
    monkeypatch.setattr(settings(), "allow_private_hosts", "127.0.0.1")
    assert fail(feed) == "succeeded"
    assert (feed.alerts(), feed.source().failures) == ([], 0)
    assert feed.budgets() == {"Ops/Fuel": "5.00"}


def test_a_source_that_keeps_failing_is_held_and_says_so(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "allow_private_hosts", "")
    for _ in range(outcomes.HELD_AFTER - 1):
        fail(feed)
    assert feed.alerts() == ["source_failed", "source_failing_often"]
    assert feed.source().held_until is None
    fail(feed)
    assert "source_held" in feed.alerts()
    first = feed.source().held_until
    assert first is not None
    fail(feed)
    second = feed.source().held_until
    assert second is not None
    assert second > first


def test_trouble_that_passes_is_tried_again(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    with feed.database.transaction(feed.tenant_id, "test") as session:
        source = editing.get_source(session, feed.id)
        config = source.config
        session.execute(
            update(Source).where(Source.id == feed.id).values(config=config | {"port": 1})
        )
        _, bell = start_run(session, source, "manual", "test")
    assert bell is not None
    assert feed.work(bell) == "retrying"
    assert feed.alerts() == []
    with feed.database.transaction(feed.tenant_id, "test") as session:
        session.execute(update(Source).where(Source.id == feed.id).values(config=config))
        session.execute(update(Job).where(Job.id == bell.job_id).values(run_after=Job.created_at))
    assert feed.work(bell) == "succeeded"
    assert feed.budgets() == {"Ops/Fuel": "5.00"}


@pytest.mark.parametrize(("schedule", "again"), [("0 2 1 1 *", True), ("* * * * *", False)])
def test_a_server_that_is_away_is_looked_at_again_before_its_next_day(
    make_feed: Any, schedule: str, again: bool
) -> None:
    feed = make_feed(schedule=schedule)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    config = feed.source().config
    change(feed, Source, config=config | {"port": 1})
    with feed.database.transaction(feed.tenant_id, "test") as session:
        _, bell = start_run(session, editing.get_source(session, feed.id), "manual", "test")
    assert bell is not None
    for outcome in ("retrying", "retrying", "dead"):
        change(feed, Job, run_after=Job.created_at)
        assert feed.work(bell) == outcome
    planned = feed.all(Job, Job.state == "queued")
    assert len(planned) == again
    assert len(feed.all(SourceRun, SourceRun.trigger == "retry")) == again
    assert feed.alerts() == ["source_failed"]
    for job in planned:
        assert timedelta(minutes=4) < job.run_after - job.created_at <= timedelta(minutes=5)
        change(feed, Source, config=config)
        change(feed, Job, run_after=Job.created_at)
        assert feed.work(Bell(feed.tenant_id, job.id, job.kind, job.queue)) == "succeeded"
        assert (feed.budgets(), feed.alerts()) == ({"Ops/Fuel": "5.00"}, [])


def test_a_run_that_somebody_has_tried_again_has_no_old_fault(feed: Feed) -> None:
    config = feed.source().config
    change(feed, Source, config=config | {"path": "/no-such-folder"})
    failed = feed.sync()
    assert (failed.state, failed.error is None) == ("failed", False)
    change(feed, Source, config=config)
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        assert failed.job_id is not None
        bell = jobs.retry(session, failed.job_id, "ada")
    assert feed.work(bell) == "succeeded"
    run = feed.one(SourceRun)
    assert (run.state, run.error) == ("succeeded", None)


def test_a_pause_ends_the_tries_that_were_planned(make_feed: Any) -> None:
    feed = make_feed(schedule="0 2 1 1 *")
    with feed.database.transaction(feed.tenant_id, "test") as session:
        source = editing.get_source(session, feed.id, lock=True)
        later, _ = start_run(session, source, "retry", "test", after=timedelta(minutes=5))
        editing.change_source(session, source, source.row_version, {"is_active": False})
    assert later is not None
    assert later.job_id is not None
    change(feed, Job, run_after=Job.created_at)
    bell = Bell(feed.tenant_id, later.job_id, "sources.sync", "syncs")
    assert feed.work(bell) == "succeeded"
    assert feed.one(SourceRun, SourceRun.id == later.id).state == "skipped"


def test_a_look_that_waits_comes_sooner_when_it_is_needed_sooner(feed: Feed) -> None:
    later, sooner = timedelta(hours=1), timedelta(minutes=1)
    with feed.database.transaction(feed.tenant_id, "test") as session:
        source = editing.get_source(session, feed.id, lock=True)
        first, _ = start_run(session, source, "follow_up", "test", after=later)
        second, _ = start_run(session, source, "follow_up", "test", after=sooner)
        start_run(session, source, "follow_up", "test", after=later)
    assert first is not None
    assert second is not None
    assert first.id == second.id
    job = feed.one(Job, Job.id == first.job_id)
    assert job.run_after - job.created_at == sooner


def change(feed: Feed, table: Any, **values: Any) -> None:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        session.execute(update(table).where(table.tenant_id == feed.tenant_id).values(**values))
