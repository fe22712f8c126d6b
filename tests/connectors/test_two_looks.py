"""Two runs of one source at the same time: by its schedule, and another look after trouble."""

from __future__ import annotations

from typing import Any

import pytest

from bursar import files
from schema.tables import ImportRun, SourceFile
from tests.connectors.conftest import Feed


def meanwhile(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    """Let something happen between the listing of the next run and its first file."""
    keep = files.keep

    def kept(*arguments: Any) -> Any:
        monkeypatch.setattr(files, "keep", keep)
        what()
        return keep(*arguments)

    monkeypatch.setattr(files, "keep", kept)


@pytest.mark.parametrize("other", ["retry", "follow_up"])
def test_a_file_that_another_run_has_taken_is_not_taken_again(
    feed: Feed, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.put("b.csv", "Ops,Food,FY2026,7\n")
    meanwhile(monkeypatch, lambda: feed.sync(other))
    run = feed.sync()
    assert (run.state, run.files_taken, run.files_failed) == ("succeeded", 0, 0)
    assert feed.files() == {"a.csv": "imported", "b.csv": "imported"}
    assert len(feed.all(ImportRun)) == 2
    assert len(feed.all(SourceFile)) == 2


def test_a_file_that_another_run_has_loaded_and_moved_stays_imported(
    make_feed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed: Feed = make_feed(after_action="move")
    feed.put("a.csv", "Ops,Fuel,FY2026,5\n")
    feed.put("b.csv", "Ops,Food,FY2026,7\n")

    def load_and_move() -> None:
        feed.sync("retry")
        feed.sync("retry")

    meanwhile(monkeypatch, load_and_move)
    feed.sync()
    assert not feed.folder.file("b.csv").exists()
    assert feed.files() == {"a.csv": "imported", "b.csv": "imported"}
    assert feed.alerts() == []
