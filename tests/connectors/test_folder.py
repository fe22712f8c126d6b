"""Folders of this machine: what every folder must do, and that nothing leads out of the root."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from bursar.config import settings
from bursar.database import Database
from bursar.errors import FolderNotAllowed, InvalidInput, NotPermitted, PathMissing, SourceBusy
from bursar.sources import editing
from bursar.sources.editing import NewSource
from bursar.tenants import create_tenant
from connectors import Arrival, Connector
from connectors import folder as folder_module
from connectors.folder import Folder
from connectors.syncing import open_source
from tests.connectors.conftest import Feed
from tests.connectors.contract import ROWS, FolderContract, Rows, csv_of


class LocalFolder:
    """A folder below the root."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / "in/coming"
        self.path.mkdir(parents=True)
        self._written = 0

    def put(self, name: str, rows: Rows) -> None:
        (self.path / name).write_bytes(csv_of(rows))
        self._written += 1
        os.utime(self.path / name, ns=(1_700_000_000_000_000_000 + self._written,) * 2)

    def take_away(self, name: str) -> None:
        (self.path / name).unlink()

    def settings(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"path": "in/coming"}, {}

    def missing(self) -> dict[str, Any]:
        return {"path": "in/no-such-folder"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalFolder:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setattr(settings(), "folder_root", str(root))
    return LocalFolder(root)


def look(**config: str) -> str:
    with Folder(config, {}) as folder:
        return folder.check()


class TestFolder(FolderContract):
    kind = "folder"

    def test_without_the_operators_word_nothing_is_read(
        self, place: LocalFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for unset in ("", "relative/root"):
            monkeypatch.setattr(settings(), "folder_root", unset)
            with pytest.raises(FolderNotAllowed, match="BURSAR_FOLDER_ROOT"):
                look(path="in/coming")

    def test_nothing_leads_out_of_the_root(self, place: LocalFolder) -> None:
        outside = place.root.parent / "outside"
        outside.mkdir()
        (outside / "theirs.csv").write_bytes(csv_of(ROWS))
        (place.root / "way-out").symlink_to(outside)
        (place.root / "root-again").symlink_to(place.root)
        for path in (
            "..", "../outside", "in/../../outside", "in/coming/../../../outside", str(outside),
            f"{place.root}/../outside", "/", "/etc", f"{place.root}x", "way-out",
            "root-again/in/coming", f"{place.root}/way-out", "way-out/.",
        ):  # fmt: skip
            with pytest.raises(FolderNotAllowed):
                look(path=path)

    def test_a_whole_path_below_the_root_is_the_same_as_the_rest_of_it(
        self, place: LocalFolder
    ) -> None:
        place.put("a.csv", ROWS)
        for path in ("in/coming", "./in//coming/", str(place.path)):
            assert look(path=path) == f"{path} has 1 matching files."
        (place.root / "b.csv").write_bytes(csv_of(ROWS))
        assert "1 matching" in look()

    def test_links_pipes_and_folders_are_no_files(
        self, place: LocalFolder, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (place.path / "link.csv").symlink_to(place.path / "budget.csv")
        (place.path / "passwd.csv").symlink_to("/etc/passwd")
        (place.path / "folder.csv").mkdir()
        os.mkfifo(place.path / "pipe.csv")
        with socket.socket(socket.AF_UNIX) as server:
            here = Path(tempfile.mkdtemp(prefix="b")) / "s"
            server.bind(str(here))
            here.rename(place.path / "socket.csv")
        os.close(os.open(bytes(place.path) + b"/\xff.csv", os.O_CREAT))
        assert self.names(reader) == ["budget.csv"]

    @pytest.mark.parametrize("moment", [300_000_000_000, -(1 << 60)])
    def test_a_file_of_an_impossible_time_does_not_hide_the_others(
        self, place: LocalFolder, reader: Connector, monkeypatch: pytest.MonkeyPatch, moment: int
    ) -> None:
        """As file systems with 64 bits for a time show it, after a sender's clock was wrong."""
        place.put("a.csv", ROWS)
        place.put("b.csv", ROWS)
        arrival = folder_module._arrival

        def shown(name: str, seen: os.stat_result) -> Arrival:
            if name == "a.csv":
                ints = [*seen[:8], moment, seen[9]]
                seen = os.stat_result(ints, {"st_mtime": float(moment), "st_mtime_ns": moment})
            return arrival(name, seen)

        monkeypatch.setattr(folder_module, "_arrival", shown)
        assert self.names(reader) == ["a.csv", "b.csv"]

    def test_a_share_that_goes_away_while_a_file_is_read_is_trouble_that_passes(
        self, place: LocalFolder, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()

        def read() -> None:
            with reader.open(arrival) as stream:
                # What cannot be read any more in the place of what was opened.
                broken = os.open("/", os.O_RDONLY)
                os.dup2(broken, stream.fileno())  # type: ignore[attr-defined]
                os.close(broken)
                stream.read(10)

        with pytest.raises(SourceBusy):
            read()

    @pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
    def test_what_takes_a_files_place_is_not_read(
        self, place: LocalFolder, reader: Connector, kind: str
    ) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        place.take_away("budget.csv")
        file = place.path / "budget.csv"
        {
            "link": lambda: file.symlink_to("/etc/passwd"),
            "pipe": lambda: os.mkfifo(file),
            "folder": file.mkdir,
        }[kind]()
        with pytest.raises(PathMissing):
            self.read(reader, arrival)

    def test_a_folder_that_becomes_a_link_while_it_is_read_changes_nothing(
        self, place: LocalFolder, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        place.path.rename(place.root / "elsewhere")
        outside = place.root.parent / "outside"
        outside.mkdir()
        (outside / "budget.csv").write_text("theirs")
        place.path.symlink_to(outside)
        assert self.rows(self.read(reader, arrival)) == ROWS
        reader.settle(arrival, "move")
        assert (place.root / "elsewhere/imported/budget.csv").is_file()

    def test_loaded_files_are_not_moved_through_a_link(
        self, place: LocalFolder, reader: Connector
    ) -> None:
        place.put("budget.csv", ROWS)
        (arrival,) = reader.list()
        outside = place.root.parent / "outside"
        outside.mkdir()
        (place.path / "imported").symlink_to(outside)
        with pytest.raises(FolderNotAllowed):
            reader.settle(arrival, "move")
        assert list(outside.iterdir()) == []

    def test_what_may_not_be_read_says_so(self, place: LocalFolder) -> None:
        place.path.chmod(0)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)  # root may read everything
        try:
            with pytest.raises(NotPermitted):
                look(path="in/coming")
        finally:
            os.seteuid(before)
            place.path.chmod(0o700)


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tenant_id: UUID) -> Path:
    """The folder of the test's tenant, where each has its own."""
    monkeypatch.setattr(settings(), "folder_root", f"{tmp_path}/{{tenant}}/files")
    own = tmp_path / str(tenant_id) / "files"
    own.mkdir(parents=True)
    return own


def add(database: Database, tenant_id: UUID, **config: str) -> UUID:
    new = NewSource("Here", "folder", dict(config), settle_seconds=0, after_action="move")
    with database.transaction(tenant_id, "test") as session:
        return editing.create_source(session, tenant_id, new, "test").id


def test_a_tenant_reads_its_own_folder_only(
    database: Database, tenant_id: UUID, roots: Path
) -> None:
    (roots / "a.csv").write_bytes(csv_of(ROWS))
    stranger = create_tenant(database, "Stranger")
    theirs = roots.parents[1] / str(stranger) / "files"
    theirs.mkdir(parents=True)
    for tenant, seen in ((tenant_id, 1), (stranger, 0)):
        source_id = add(database, tenant)
        with database.transaction(tenant, "test") as session:
            source = editing.get_source(session, source_id)
        with open_source(source, {}) as folder:
            assert f"{seen} matching" in folder.check()
    with pytest.raises(FolderNotAllowed):
        look(path=str(roots), tenant=str(stranger))


def test_a_tenants_root_that_became_a_link_is_not_followed(
    database: Database, tenant_id: UUID, roots: Path
) -> None:
    """Who may write in the folder above could lead the root into another tenant's files."""
    stranger = create_tenant(database, "Stranger")
    theirs = roots.parents[1] / str(stranger) / "files"
    theirs.mkdir(parents=True)
    (theirs / "a.csv").write_bytes(csv_of(ROWS))
    roots.rmdir()
    roots.symlink_to(theirs)
    with pytest.raises(FolderNotAllowed):
        look(tenant=str(tenant_id))


def test_tenants_do_not_share_a_root(
    database: Database, tenant_id: UUID, place: LocalFolder
) -> None:
    create_tenant(database, "Another")
    with pytest.raises(FolderNotAllowed, match=r"\{tenant\}"):
        add(database, tenant_id)


@pytest.mark.parametrize("path", ["..", "a/../..", "a\0b"])
def test_a_path_that_leads_upwards_is_refused_at_once(
    database: Database, tenant_id: UUID, roots: Path, path: str
) -> None:
    with pytest.raises(InvalidInput, match="/config/path"):
        add(database, tenant_id, path=path)


def test_files_of_a_folder_become_budgets_and_are_moved(make_feed: Any, roots: Path) -> None:
    feed: Feed = make_feed()
    feed.id = add(feed.database, feed.tenant_id)
    (roots / "a.csv").write_text("Department,Sub Category,Fiscal Year,Budget\nOps,Fuel,FY2026,5\n")
    feed.sync()
    assert feed.budgets() == {"Ops/Fuel": "5.00"}
    follow_up = feed.sync()
    assert follow_up.files_taken == 0
    assert (roots / "imported/a.csv").is_file()
    assert not (roots / "a.csv").exists()
