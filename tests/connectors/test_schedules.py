"""Schedules of sources, as the tick carries them out."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, text, update

from bursar.database import Database
from bursar.jobs.sweep import tenants_with_due
from bursar.sources import editing, outcomes
from bursar.sources.scheduling import start_due
from schema.tables import Alert, ImportRun, Source, SourceRun
from tests.api_client import Api
from tests.connectors.conftest import Feed


def ago(feed: Feed, **moments: timedelta | None) -> None:
    """Turn the clock for one source: each moment lies so far back."""
    values = {name: None if back is None else func.now() - back for name, back in moments.items()}
    with feed.database.transaction(feed.tenant_id, "test") as session:
        session.execute(update(Source).where(Source.id == feed.id).values(**values))


def start(feed: Feed) -> list[Any]:
    return [bell for bell in start_due(feed.database) if bell.tenant_id == feed.tenant_id]


def test_a_due_source_runs_once_and_is_due_again_later(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="02:00", time_zone="Europe/Berlin")
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    assert start(feed) == []
    ago(feed, next_due_at=timedelta(days=3))
    (bell,) = start(feed)
    assert start(feed) == []
    feed.work(bell)
    assert feed.budgets() == {"Ops/Fuel": "5.00"}
    source = feed.source()
    assert source.next_due_at is not None
    assert source.last_sync_at is not None
    assert source.next_due_at > source.last_sync_at, "three missed nights are made up for by one"
    assert len(feed.all(SourceRun)) == 1


def test_many_ticks_at_once_start_one_run(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="* * * * *")
    ago(feed, next_due_at=timedelta(minutes=1))
    bells: list[Any] = []
    ticks = [threading.Thread(target=lambda: bells.extend(start(feed))) for _ in range(8)]
    for tick in ticks:
        tick.start()
    for tick in ticks:
        tick.join()
    assert len(bells) == 1
    assert len(feed.all(SourceRun)) == 1


def test_an_inactive_source_rests(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="02:00", is_active=False)
    assert feed.source().next_due_at is None
    ago(feed, next_due_at=timedelta(days=1))
    assert start(feed) == []


def test_a_held_source_waits_for_its_pause_to_end(make_feed: Any) -> None:
    feed: Feed = make_feed(schedule="* * * * *")
    ago(feed, next_due_at=timedelta(minutes=1), held_until=-timedelta(hours=1))
    assert start(feed) == []
    source = feed.source()
    assert source.held_until is not None
    assert source.next_due_at is not None
    assert source.next_due_at >= source.held_until
    ago(feed, next_due_at=timedelta(minutes=1), held_until=timedelta(minutes=1))
    assert len(start(feed)) == 1


def test_a_file_that_does_not_come_is_an_alarm_once(make_feed: Any) -> None:
    feed: Feed = make_feed(expected_by="* * * * *")
    ago(feed, next_expected_at=timedelta(minutes=1))
    start(feed)
    assert feed.alerts() == ["source_late"]
    ago(feed, next_expected_at=timedelta(minutes=1))
    start(feed)
    assert len(feed.all(Alert)) == 1
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    assert feed.alerts() == [], "the alarm is over when a good file has come"


def test_a_file_in_time_is_no_alarm(make_feed: Any) -> None:
    feed: Feed = make_feed(expected_by="* * * * *")
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    ago(feed, next_expected_at=timedelta(seconds=1))
    start(feed)
    assert feed.alerts() == []


def test_imports_that_ended_without_their_worker_are_followed(
    feed: Feed, database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow = outcomes.follow_imports
    monkeypatch.setattr(outcomes, "follow_imports", lambda *_: [])
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    assert feed.one(ImportRun).state == "completed"
    assert feed.files() == {"a.csv": "importing"}
    assert tenant_id in tenants_with_due(database, "source_files")
    with database.transaction(tenant_id, "system") as session:
        follow(session, tenant_id)
    assert feed.files() == {"a.csv": "imported"}
    assert tenant_id not in tenants_with_due(database, "source_files")


@pytest.mark.parametrize(
    ("policy", "decision", "reason"),
    [
        ("manual", "pending", "stale_source"),
        ("refuse", "rejected", "stale_source"),
        ("ignore", "approved", "within_auto_approval_threshold"),
    ],
)
def test_checks_of_budgets_whose_source_is_late_follow_its_policy(
    make_feed: Any, policy: str, decision: str, reason: str
) -> None:
    feed: Feed = make_feed(expected_by="* * * * *", stale_policy=policy)
    usual = ("approved", "within_auto_approval_threshold")
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    assert checked(feed) == usual
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    start(feed)
    assert checked(feed) == (decision, reason)
    feed.put("a.csv", "Ops,Fuel,FY2026,600\n")
    feed.sync()
    assert checked(feed) == usual


def test_a_source_whose_columns_changed_is_stale_until_its_next_good_file(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    feed.put("b.csv", "Ops,Fuel,FY2026,600\n", "Dept,Sub Category,Fiscal Year,Budget\n")
    feed.sync()
    assert checked(feed) == ("pending", "stale_source")
    feed.put("c.csv", "Ops,Fuel,FY2026,700\n")
    feed.sync()
    assert checked(feed) == ("approved", "within_auto_approval_threshold")


def test_nothing_is_late_any_more_when_the_source_is_taken_away(make_feed: Any) -> None:
    feed: Feed = make_feed(expected_by="* * * * *")
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.put("b.csv", "Ops,Food,FY2026,lots\n")
    feed.sync()
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    start(feed)
    assert feed.alerts() == ["source_file_failed", "source_late"]
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        editing.delete_source(session, editing.get_source(session, feed.id, lock=True))
    assert checked(feed) == ("approved", "within_auto_approval_threshold")
    assert feed.alerts() == ["source_file_failed"], "its rows can still be mended"


def test_nothing_is_late_any_more_when_no_file_is_expected(make_feed: Any) -> None:
    feed: Feed = make_feed(expected_by="* * * * *")
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    start(feed)
    assert (feed.alerts(), checked(feed)) == (["source_late"], ("pending", "stale_source"))
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        source = editing.get_source(session, feed.id, lock=True)
        editing.change_source(session, source, source.row_version, {"expected_by": None})
    assert (feed.alerts(), checked(feed)[0]) == ([], "approved")


def test_a_source_that_cannot_be_planned_stops_no_other_and_says_so(make_feed: Any) -> None:
    """As when the zones of the machine are renewed, and one is there no more."""
    broken, good = make_feed(schedule="* * * * *"), make_feed(schedule="* * * * *")
    ago(broken, next_due_at=timedelta(minutes=2))
    ago(good, next_due_at=timedelta(minutes=1))
    with good.database.transaction(good.tenant_id, "test") as session:
        gone = update(Source).where(Source.id == broken.id).values(time_zone="Mars/Olympus")
        session.execute(gone)
    assert len(start(good)) == 1
    assert start(good) == []
    assert good.alerts() == ["source_failed"]
    assert len(good.all(Alert)) == 1
    with good.database.transaction(good.tenant_id, "test") as session:
        source = editing.get_source(session, broken.id, lock=True)
        editing.change_source(session, source, source.row_version, {"time_zone": "UTC"})
    broken.sync()
    assert good.alerts() == []


@pytest.mark.parametrize("after_action", ["leave", "move"])
@pytest.mark.parametrize("name", ["a.csv", "b.csv"])
def test_the_same_bytes_written_anew_are_no_late_file(
    make_feed: Any, name: str, after_action: str
) -> None:
    """As when an export runs every night, and the budgets have not changed that day."""
    feed: Feed = make_feed(expected_by="* * * * *", after_action=after_action)
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    assert feed.folder.file("a.csv").exists() == (after_action == "leave")
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    feed.put(name, "Ops,Fuel,FY2026,500\n")
    assert feed.sync().files_taken == 0
    start(feed)
    assert feed.alerts() == []
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    start(feed)
    assert (feed.alerts(), checked(feed)) == (["source_late"], ("pending", "stale_source"))
    feed.put(name, "Ops,Fuel,FY2026,500\n")
    feed.sync()
    assert (feed.alerts(), checked(feed)[0]) == ([], "approved")


@pytest.mark.parametrize("touched", [False, True], ids=["as before", "new time"])
def test_a_file_that_was_only_renamed_is_late_all_the_same(make_feed: Any, touched: bool) -> None:
    feed: Feed = make_feed(expected_by="* * * * *")
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    feed.folder.file("a.csv").rename(feed.folder.file("archived.csv"))
    if touched:  # as in S3, where a file is renamed by writing it anew
        os.utime(feed.folder.file("archived.csv"))
    feed.sync()
    start(feed)
    assert feed.alerts() == ["source_late"]


def test_what_waits_for_somebody_stays_stale_though_an_older_file_comes_anew(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    feed.put("b.csv", "Ops,Fuel,FY2026,600\n", "Dept,Sub Category,Fiscal Year,Budget\n")
    feed.sync()
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    assert checked(feed) == ("pending", "stale_source")


def test_the_api_shows_how_fresh_each_budget_is(feed: Feed, api: Api) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,500\n")
    feed.sync()
    (budget,) = api.get("/budgets").get_json()["data"]
    source = feed.source()
    assert budget["freshness"]["source"] == source.name
    assert budget["freshness"]["is_stale"] is False
    assert budget["freshness"]["last_file_at"] is not None
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    with feed.database.transaction(feed.tenant_id, "test") as session:
        session.execute(update(Source).values(expected_by="* * * * *"))
    start(feed)
    one = api.get(f"/budgets/{budget['id']}").get_json()
    assert (one["freshness"]["is_stale"], one["freshness"]["policy"]) == (True, "manual")
    by_hand = api.post(
        "/budgets",
        {"department": "Fire", "fiscal_period": "FY2026", "budgeted_amount": "1",
         "currency": "USD"},
    )  # fmt: skip
    assert by_hand.get_json()["freshness"] is None


def checked(feed: Feed) -> tuple[str, str]:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        row = session.execute(
            text(
                "select decision, reason from"
                " budget_check(:t, 'Ops', 'Fuel', 'FY2026', 10, null, 'test')"
            ),
            {"t": feed.tenant_id},
        ).one()
        return row.decision, row.reason
