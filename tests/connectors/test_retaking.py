"""Files that failed get another chance: taken again, tried again, or mended."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, update

from bursar import files
from bursar.config import settings
from bursar.errors import NotFound, NotRetakable
from bursar.importing import runs
from bursar.importing.repairing import mending
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from bursar.jobs.sweep import tenants_with_due
from bursar.sources import editing, outcomes, retaking
from schema.tables import Alert, ImportRun, SourceFile
from tests.api_client import Api
from tests.connectors.conftest import HEAD, Feed
from tests.connectors.test_schedules import ago, checked, start

BAD = "Ops,Fuel,FY2026,lots\n"


def retake(feed: Feed, name: str = "a.csv") -> tuple[SourceFile, Bell | None]:
    (file,) = [one for one in feed.all(SourceFile) if Path(one.path).name == name]
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        source = editing.get_source(session, feed.id, lock=True)
        return retaking.retake(session, source, file.id, "ada")


def store(feed: Feed, content: str) -> UUID:
    kept = files.keep(feed.tenant_id, "m.csv", io.BytesIO(content.encode()), 1 << 20)
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        return files.record(session, feed.tenant_id, "m.csv", kept, "ada").id


def fails_once(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> ImportRun:
    """A file whose import fails for a cause that goes away: the operator allowed too little."""
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    monkeypatch.setattr(settings(), "column_limit", 2)
    feed.sync()
    monkeypatch.setattr(settings(), "column_limit", 1_000)
    assert (feed.files(), feed.alerts()) == ({"a.csv": "failed"}, ["source_file_failed"])
    run: ImportRun = feed.one(ImportRun)
    return run


def test_a_failed_file_whose_bytes_are_here_is_imported_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fails_once(feed, monkeypatch)
    feed.folder.file("a.csv").unlink()  # the bytes that are kept are enough
    file, bell = retake(feed)
    assert (file.state, file.error, feed.alerts()) == ("importing", None, [])
    assert file.import_id != first.id
    with pytest.raises(NotRetakable):
        retake(feed)
    assert bell is not None
    feed.work(bell)
    assert feed.budgets() == {"Ops/Fuel": "5.00"}
    assert feed.files() == {"a.csv": "imported"}


def test_a_file_that_fails_again_says_so_again(feed: Feed) -> None:
    feed.put("a.csv", BAD)
    feed.sync()
    _, bell = retake(feed)
    assert bell is not None
    feed.work(bell)
    assert (feed.files(), feed.alerts()) == ({"a.csv": "failed"}, ["source_file_failed"])
    assert len(feed.all(Alert)) == 2


@pytest.mark.parametrize("settle", [0, 60])
def test_a_file_that_was_never_read_is_looked_for_by_the_next_run(
    make_feed: Any, settle: int
) -> None:
    feed: Feed = make_feed()
    feed.folder.put("a.csv", [])
    feed.sync()
    assert (feed.files(), feed.alerts()) == ({"a.csv": "failed"}, ["source_file_failed"])
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        editing.get_source(session, feed.id, lock=True).settle_seconds = settle
        past = func.now() - timedelta(minutes=5)
        session.execute(update(SourceFile).values(created_at=past))
    file, bell = retake(feed)
    assert (file.state, bell, feed.alerts()) == ("settling", None, [])
    run = feed.sync()
    assert (run.files_seen, run.files_failed) == (1, 1), "it is empty still"
    retake(feed)
    feed.folder.file("a.csv").unlink()
    feed.sync()
    assert feed.files() == {"a.csv": "skipped"}


def test_a_file_that_was_passed_over_is_taken_when_somebody_wants_it(feed: Feed) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    os.utime(feed.folder.file("a.csv"), (1_800_000_000,) * 2)
    feed.folder.file("a.csv").rename(feed.folder.file("b.csv"))
    feed.sync()
    assert feed.files()["b.csv"] == "skipped"
    _, bell = retake(feed, "b.csv")
    assert bell is not None
    feed.work(bell)
    assert feed.files()["b.csv"] == "imported"
    newest = max(feed.all(ImportRun), key=lambda run: run.created_at)
    assert newest.duplicate_of is not None, "the same bytes change nothing twice"


def test_a_good_version_ends_the_alarm_of_the_bad_ones_before_it(feed: Feed) -> None:
    feed.put("b.csv", BAD + "Ops,Water,FY2026,8\n")
    for other in ("", "Ops,Food,FY2026,7\n"):
        feed.put("a.csv", BAD + other)
        feed.sync()
    feed.folder.put("a.csv", [])
    feed.sync()
    assert len(feed.alerts()) == 4
    feed.put("a.csv", "Ops,Fuel,FY2026,6\n")
    feed.sync()
    assert feed.alerts() == ["source_file_failed"], "b.csv is as bad as it was"


def test_an_old_version_does_not_overwrite_a_newer_one(feed: Feed) -> None:
    feed.put("a.csv", BAD)
    feed.sync()
    (old,) = feed.all(SourceFile)
    feed.put("a.csv", "Ops,Fuel,FY2026,6\n")
    feed.sync()
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        source = editing.get_source(session, feed.id, lock=True)
        with pytest.raises(NotRetakable, match="newer version"):
            retaking.retake(session, source, old.id, "ada")
        with pytest.raises(NotFound):
            retaking.retake(session, source, uuid4(), "ada")
    assert feed.budgets() == {"Ops/Fuel": "6.00"}


def test_an_import_that_is_tried_again_makes_its_file_imported(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fails_once(feed, monkeypatch)
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        assert run.job_id is not None
        bell = jobs.retry(session, run.job_id, "ada")
        runs.reopen(session, run.id, "imports.run")
    with pytest.raises(NotRetakable, match="wait for it"):
        retake(feed)
    feed.work(bell)
    assert (feed.files(), feed.alerts()) == ({"a.csv": "imported"}, [])
    assert feed.source().last_file_at is not None


def test_mended_rows_make_the_file_imported(feed: Feed) -> None:
    feed.put("a.csv", BAD + "Ops,Food,FY2026,7\n")
    feed.sync()
    failed = feed.one(ImportRun)
    head = HEAD.strip() + ",Row,Reason\n"
    file_id = store(feed, head + "Ops,Fuel,FY2026,5,2,\n")
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        attempt = mending.request_mending(session, failed.id, file_id, "ada")
        bell = runs.start(session, attempt, "imports.run", "ada", None)
    with pytest.raises(NotRetakable, match="wait for it"):
        retake(feed)
    feed.work(bell)
    assert feed.budgets() == {"Ops/Fuel": "5.00", "Ops/Food": "7.00"}
    assert (feed.files(), feed.alerts()) == ({"a.csv": "imported"}, [])


def test_what_mended_rows_brought_is_as_fresh_as_the_source(make_feed: Any, api: Api) -> None:
    feed: Feed = make_feed(mode="skip_errors", expected_by="* * * * *")
    feed.put("a.csv", BAD + "Ops,Food,FY2026,7\n")
    feed.sync()
    file_id = store(feed, HEAD.strip() + ",Row,Reason\nOps,Fuel,FY2026,5000,2,\n")
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        attempt = mending.request_mending(session, feed.one(ImportRun).id, file_id, "ada")
        bell = runs.start(session, attempt, "imports.run", "ada", None)
    feed.work(bell)
    ago(feed, last_file_at=timedelta(days=1), next_expected_at=timedelta(seconds=1))
    start(feed)
    assert feed.alerts() == ["source_late"]
    shown = api.get("/budgets").get_json()["data"]
    assert [one["freshness"] and one["freshness"]["is_stale"] for one in shown] == [True, True]
    assert checked(feed) == ("pending", "stale_source")


def test_the_tick_hears_of_a_failed_file_that_was_loaded_after_all(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fails_once(feed, monkeypatch)
    assert feed.tenant_id not in tenants_with_due(feed.database, "source_files")
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        session.execute(
            update(ImportRun).where(ImportRun.id == run.id).values(state="completed", error=None)
        )
    assert feed.tenant_id in tenants_with_due(feed.database, "source_files")
    with feed.database.transaction(feed.tenant_id, "system") as session:
        outcomes.follow_imports(session, feed.tenant_id)
    assert feed.files() == {"a.csv": "imported"}
    assert feed.tenant_id not in tenants_with_due(feed.database, "source_files")


def test_trying_again_does_not_get_past_the_guards(make_feed: Any) -> None:
    feed: Feed = make_feed(drift_policy="freeze")
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.sync()
    feed.put("b.csv", "Ops,Fuel,FY2026,6\n", "Dept,Sub Category,Fiscal Year,Budget\n")
    feed.sync()
    (run,) = feed.all(ImportRun, ImportRun.state == "failed")
    with feed.database.transaction(feed.tenant_id, "ada") as session:
        bell = jobs.retry(session, run.job_id, "ada")
        runs.reopen(session, run.id, "imports.run")
    feed.work(bell)
    assert feed.files()["b.csv"] == "failed"
    assert feed.budgets() == {"Ops/Fuel": "5.00"}
