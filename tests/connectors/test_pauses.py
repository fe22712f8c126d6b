"""Pauses of all sources: of a tenant by its own people, of everybody by the operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bursar import schedules
from bursar.database import Database
from bursar.errors import NotFound
from bursar.jobs.sweep import tenants_with_due
from bursar.sources import pausing
from bursar.tenants import create_tenant
from schema.tables import SourceRun
from tests.connectors.conftest import Feed
from tests.connectors.test_schedules import ago, start

HOUR = timedelta(hours=1)


def pause(feed: Feed) -> None:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        pausing.pause_tenant(session, "Ada")


def resume(feed: Feed) -> None:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        pausing.resume_tenant(session)


def now_holding(feed: Feed) -> pausing.Pauses:
    with feed.database.transaction(feed.tenant_id) as session:
        return pausing.pauses(session)


@pytest.fixture
def everywhere(database: Database) -> Iterator[Database]:
    """The operator's pause, ended whatever happens."""
    schedules.pause(database, pausing.STARTING)
    yield database
    schedules.resume(database, pausing.STARTING)


def test_a_tenants_sources_rest_and_then_run_once(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="02:00")
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    pause(feed)
    ago(feed, next_due_at=timedelta(days=3))
    assert start(feed) == []
    resume(feed)
    (bell,) = start(feed)
    assert start(feed) == []
    feed.work(bell)
    assert feed.budgets() == {"Ops/Fuel": "5.00"}
    assert len(feed.all(SourceRun)) == 1


def test_who_paused_first_stays_named(feed: Feed) -> None:
    assert now_holding(feed) == pausing.Pauses(None, None, None)
    pause(feed)
    first = now_holding(feed)
    assert (first.tenant_by, first.operator_since) == ("Ada", None)
    assert first.tenant_since is not None
    with feed.database.transaction(feed.tenant_id, "test") as session:
        pausing.pause_tenant(session, "Bob")
    assert now_holding(feed) == first
    resume(feed)
    resume(feed)
    assert now_holding(feed) == pausing.Pauses(None, None, None)


def test_a_file_that_was_late_during_the_pause_is_no_alarm(make_feed: Any) -> None:
    feed: Feed = make_feed(expected_by="0 6 * * *")
    pause(feed)
    ago(feed, next_expected_at=HOUR)
    start(feed)
    assert feed.alerts() == []
    resume(feed)
    start(feed)
    assert feed.alerts() == []
    assert not feed.source().is_stale
    ago(feed, next_expected_at=timedelta(seconds=1))
    start(feed)
    assert feed.alerts() == ["source_late"], "the next moment after the pause counts again"


def test_a_source_that_is_asked_to_runs_while_all_rest(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="02:00", settle_seconds=0)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    pause(feed)
    feed.sync()
    assert feed.budgets() == {"Ops/Fuel": "5.00"}


def test_a_source_that_rests_by_itself_still_does_after_the_pause(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="02:00", is_active=False)
    pause(feed)
    resume(feed)
    ago(feed, next_due_at=HOUR)
    assert start(feed) == []


def test_a_pause_is_the_tenants_own(make_feed: Any, database: Database) -> None:
    feed: Feed = make_feed(schedule="02:00")
    stranger = create_tenant(database, "Stranger")
    with database.transaction(stranger, "test") as session:
        pausing.pause_tenant(session, "Eve")
    ago(feed, next_due_at=HOUR)
    assert len(start(feed)) == 1


def test_the_operator_pauses_everybody(everywhere: Database, make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="02:00", expected_by="06:00")
    ago(feed, next_due_at=HOUR, next_expected_at=HOUR)
    assert now_holding(feed).operator_since is not None
    held = {one.name: one.paused for one in schedules.all_schedules(everywhere)}
    assert held.pop(pausing.STARTING)
    assert not any(held.values())
    assert pausing.STARTING not in {name for name, _ in schedules.take_due(everywhere)}
    pausing.resume_everywhere(everywhere, tenants_with_due(everywhere, "all"))
    assert now_holding(feed).operator_since is None
    assert len(start(feed)) == 1
    assert feed.alerts() == [], "what was late meanwhile raises no alarm"


def test_what_is_late_without_a_pause_is_an_alarm_though_one_is_ended(
    make_feed: Any, database: Database
) -> None:
    feed: Feed = make_feed(expected_by="0 6 * * *")
    ago(feed, next_expected_at=HOUR)
    pausing.resume_everywhere(database, [feed.tenant_id])
    resume(feed)
    start(feed)
    assert feed.alerts() == ["source_late"]


def test_only_schedules_that_there_are_can_be_paused(database: Database, tenant_id: UUID) -> None:
    for act in (schedules.pause, schedules.resume):
        with pytest.raises(NotFound, match="start_sources"):
            act(database, "tock")
