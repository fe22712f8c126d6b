"""Runs of a source: every good file loaded once, every bad one named once, nothing half read."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from bursar.importing import runs
from bursar.sources import editing
from bursar.sources.scheduling import start_run
from schema.tables import Alert, ImportRun, Job, SourceFile
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


def test_two_runs_at_once_are_one(feed: Feed) -> None:
    with feed.database.transaction(feed.tenant_id, "test") as session:
        source = editing.get_source(session, feed.id, lock=True)
        first, bell = start_run(session, source, "manual", "test")
        second, silence = start_run(session, source, "manual", "test")
    assert first is not None
    assert second is not None
    assert (first.id, silence) == (second.id, None)
    assert bell is not None
