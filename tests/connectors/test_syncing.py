"""Runs of a source: every good file loaded once, every bad one named once, nothing half read."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bursar.config import settings
from bursar.importing import runs
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from bursar.sources import editing, outcomes
from bursar.sources.scheduling import start_run
from schema.tables import Alert, ImportRun, Job, Source, SourceFile, SourceRun
from tests.connectors.conftest import Feed


def test_new_files_become_budgets_and_are_not_taken_again(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.put("b.csv", "Ops,Food,FY2026,7\n")
    run = feed.sync()
    assert (run.state, run.files_seen, run.files_taken) == ("succeeded", 2, 2)
    assert feed.budgets() == {"Ops/Fuel": "5.00", "Ops/Food": "7.00"}
    assert feed.files() == {"a.csv": "imported", "b.csv": "imported"}
    again = feed.sync()
    assert (again.state, again.files_seen, again.files_taken) == ("succeeded", 2, 0)
    imports = feed.all(ImportRun)
    assert [(run.source_type, run.created_by) for run in imports] == [
        ("sftp", f"source:{feed.source().name}")
    ] * 2


def test_a_changed_file_changes_its_budgets(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    feed.put("a.csv", "Ops,Fuel,FY2026,6\n")
    feed.sync()
    assert feed.budgets() == {"Ops/Fuel": "6.00"}
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    assert feed.budgets() == {"Ops/Fuel": "5.00"}, "a file that went back is news"


def test_a_file_that_went_back_with_its_old_revision_is_news(feed: Feed) -> None:
    """As after a restore that keeps times, and always in S3, which goes by the content."""
    for again in ("5", "6", "5", "6"):
        feed.put("a.csv", f"Ops,Fuel,FY2026,{again}\n")
        os.utime(feed.folder.file("a.csv"), (1_700_000_000 + int(again),) * 2)
        for _ in range(2):
            feed.sync()
        assert feed.budgets() == {"Ops/Fuel": f"{again}.00"}
    assert len(feed.all(ImportRun)) == 4
    assert {file.state for file in feed.all(SourceFile)} == {"imported"}


def test_a_file_that_went_away_unread_and_came_back_is_loaded(make_feed: Any) -> None:
    feed: Feed = make_feed(settle_seconds=1)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    away = feed.folder.file("a.csv").rename(feed.folder.file("a.csv.part"))
    feed.sync()
    assert feed.files() == {"a.csv": "skipped"}
    away.rename(feed.folder.file("a.csv"))
    time.sleep(1.1)
    assert feed.sync().files_taken == 0, "it has to stand still anew"
    time.sleep(1.1)
    assert feed.sync().files_taken == 1
    assert feed.budgets() == {"Ops/Fuel": "5.00"}


def test_a_file_that_is_renamed_or_touched_is_loaded_once(feed: Feed) -> None:
    feed.put("january.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    feed.put("february.csv", "Ops,Fuel,FY2026,6\n")
    feed.sync()
    os.utime(feed.folder.file("january.csv"), (1_800_000_000,) * 2)
    feed.folder.file("january.csv").rename(feed.folder.file("old.csv"))
    run = feed.sync()
    assert run.files_taken == 0
    assert feed.files()["old.csv"] == "skipped"
    assert feed.budgets() == {"Ops/Fuel": "6.00"}
    assert len(feed.all(ImportRun)) == 2


def test_older_files_do_not_overtake_newer_ones(feed: Feed) -> None:
    for n in (1, 2, 3):
        feed.put(f"{9 - n}.csv", f"Ops,Fuel,FY2026,{n}\n")
    feed.sync()
    assert feed.budgets() == {"Ops/Fuel": "3.00"}


def test_a_bad_file_is_named_once_and_does_not_stop_the_others(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.put("b.csv", "Ops,Food,FY2026,lots\n")
    feed.put("c.csv", "Ops,Rent,FY2026,7\n")
    feed.folder.put("d.csv", [])
    run = feed.sync()
    assert (run.state, run.files_taken, run.files_failed) == ("partial", 3, 1)
    assert feed.files() == {
        "a.csv": "imported", "b.csv": "failed", "c.csv": "imported", "d.csv": "failed",
    }  # fmt: skip
    assert feed.alerts() == ["source_file_failed", "source_file_failed"]
    feed.sync()
    assert feed.alerts() == ["source_file_failed", "source_file_failed"]
    assert feed.budgets() == {"Ops/Fuel": "5.00", "Ops/Rent": "7.00"}


def test_a_growing_file_is_taken_when_it_has_settled(make_feed: Any) -> None:
    feed: Feed = make_feed(settle_seconds=1)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    run = feed.sync()
    assert (run.files_seen, run.files_taken) == (1, 0)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\nOps,Food,FY2026,7\n")
    time.sleep(1.1)
    assert feed.sync().files_taken == 0, "it grew, so the wait begins anew"
    time.sleep(1.1)
    assert feed.sync().files_taken == 1
    assert feed.budgets() == {"Ops/Fuel": "5.00", "Ops/Food": "7.00"}
    assert len(feed.all(ImportRun)) == 1


def test_a_second_look_is_planned_while_files_settle(make_feed: Any) -> None:
    feed: Feed = make_feed(settle_seconds=30)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    (job,) = feed.all(Job, Job.state == "queued")
    assert 25 < (job.run_after - job.created_at).total_seconds() < 40


def test_a_second_look_that_sees_growth_plans_a_third(make_feed: Any) -> None:
    feed: Feed = make_feed(settle_seconds=3600)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    assert feed.sync("follow_up").state == "succeeded"
    (job,) = feed.all(Job, Job.state == "queued")
    assert job.run_after > job.created_at


def test_loaded_files_are_moved_away(make_feed: Any) -> None:
    feed: Feed = make_feed(after_action="move")
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.put("bad.csv", "Ops,Food,FY2026,lots\n")
    feed.sync()
    assert not feed.folder.file("a.csv").exists()
    assert feed.folder.file("imported/a.csv").exists()
    assert feed.folder.file("bad.csv").exists(), "what was not loaded stays"
    assert all(file.settled_at for file in feed.all(SourceFile, SourceFile.state == "imported"))


# Guards -------------------------------------------------------------------------------------------


def test_other_columns_wait_for_a_person_with_the_likely_story(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    feed.put("b.csv", "Ops,Fuel,FY2026,6\n", "Dept,Sub Category,Fiscal Year,Budget\n")
    feed.sync()
    assert feed.files()["b.csv"] == "waiting"
    assert feed.budgets() == {"Ops/Fuel": "5.00"}
    (alert,) = feed.all(Alert)
    assert alert.type == "source_file_waiting"
    assert alert.details["suggested"] == {"department": "dept"}
    assert "dept looks like department" in alert.message
    (planned,) = feed.all(ImportRun, ImportRun.state == "planned")
    with feed.database.transaction(feed.tenant_id, "test") as session:
        run = runs.require_planned(session, planned.id)
        bell = runs.start(session, run, "imports.apply", "ada", None)
    feed.work(bell)
    assert feed.budgets() == {"Ops/Fuel": "6.00"}
    assert feed.files()["b.csv"] == "imported"
    assert feed.alerts() == []


@pytest.mark.parametrize(("policy", "state"), [("evolve", "imported"), ("freeze", "failed")])
def test_the_policy_decides_about_other_columns(make_feed: Any, policy: str, state: str) -> None:
    feed: Feed = make_feed(drift_policy=policy)
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    feed.put("b.csv", "Ops,Fuel,FY2026,6\n", "Dept,Sub Category,Fiscal Year,Budget\n")
    feed.sync()
    assert feed.files()["b.csv"] == state
    assert feed.budgets() == {"Ops/Fuel": "6.00" if policy == "evolve" else "5.00"}


def test_columns_in_another_order_are_no_drift(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    feed.put("b.csv", "Fuel,Ops,FY2026,6\n", "Sub Category,Department,Fiscal Year,Budget\n")
    feed.sync()
    assert (feed.files()["b.csv"], feed.alerts()) == ("imported", [])


@pytest.mark.parametrize("rows", [1, 40])
def test_far_more_or_fewer_rows_than_usual_wait_for_a_person(feed: Feed, rows: int) -> None:
    for n in range(3):
        feed.put(f"{n}.csv", "".join(f"Ops,Line {i},FY2026,{n + 1}\n" for i in range(10)))
        feed.sync()
    feed.put("far.csv", "".join(f"Ops,Line {i},FY2026,3\n" for i in range(rows)))
    feed.sync()
    assert feed.files()["far.csv"] == "waiting"
    assert feed.alerts() == ["source_file_waiting"]


def test_far_more_money_than_usual_waits_for_a_person(feed: Feed) -> None:
    for n in range(3):
        feed.put(f"{n}.csv", f"Ops,Fuel,FY2026,{n + 1}\nOps,Food,FY2026,2\n")
        feed.sync()
    feed.put("far.csv", "Ops,Fuel,FY2026,3000\nOps,Food,FY2026,2000\n")
    feed.sync()
    (planned,) = feed.all(ImportRun, ImportRun.state == "planned")
    assert planned.error["code"] == "unusual_amount"
    assert feed.budgets()["Ops/Fuel"] == "3.00"


# Failing ------------------------------------------------------------------------------------------


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


def test_two_runs_at_once_are_one(feed: Feed) -> None:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        source = editing.get_source(session, feed.id, lock=True)
        first, bell = start_run(session, source, "manual", "test")
        second, silence = start_run(session, source, "manual", "test")
    assert first is not None
    assert second is not None
    assert (first.id, silence) == (second.id, None)
    assert bell is not None
