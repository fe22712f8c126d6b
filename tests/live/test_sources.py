"""Sources on a running stack, from the shell: agreed to, tested, synced, scheduled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.cli.client import Client
from tests.connectors.peers.sftp_servers import AsyncSsh
from tests.connectors.test_sftp import Folder
from tests.live.stack import Live


@pytest.fixture
def folder() -> Iterator[Folder]:
    server = AsyncSsh()
    yield Folder(server)
    server.stop()


def add(live: Live, folder: Folder, tmp_path: Path, *more: str) -> str:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"private_key": folder.server.private_key}))
    config, _ = folder.settings()
    pairs = [f"--config={name}={value}" for name, value in config.items() if name != "host_key"]
    made = live.command(
        "sources", "add", "Nightly", "--type=sftp", *pairs, f"--secret-file={secret}",
        f"--tenant={live.tenant_id}", *more,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def test_a_source_is_agreed_to_tested_and_synced(
    live: Live, folder: Folder, tmp_path: Path
) -> None:
    mine = live.another()
    tenant = f"--tenant={mine.tenant_id}"
    add(mine, folder, tmp_path)
    asked = mine.command("sources", "test", "Nightly", tenant)
    assert (asked.returncode, asked.stdout.split(":")[0]) == (1, "host_key")
    agreed = mine.command("sources", "test", "Nightly", "--agree", tenant)
    assert (agreed.returncode, agreed.stdout.split(":")[0]) == (0, "ok"), agreed.stdout
    assert "SHA256:" in agreed.stderr
    folder.put("a.csv", [["Department", "Fiscal Year", "Budget"], ["Ops", "FY2026", "5"]])
    synced = mine.command("sources", "sync", "Nightly", tenant)
    assert synced.returncode == 0, synced.stdout
    assert synced.stdout.startswith("succeeded, 1 files seen, 0 taken"), "it may still be growing"
    listed = mine.command("sources", "list", "--json", tenant)
    assert json.loads(listed.stdout)["data"][0]["failures"] == 0
    assert mine.command("sources", "sync", "Nothing", tenant).returncode == 1
    rotated = mine.command("secrets", "rotate")
    assert rotated.returncode == 0, rotated.stderr


def test_the_clock_loads_files_by_itself(live: Live, folder: Folder, tmp_path: Path) -> None:
    mine = live.another()
    source = add(mine, folder, tmp_path, "--schedule=* * * * *")
    api = Client(mine.url, mine.key)
    found = api.get(f"/sources/{source}")
    agreed = {"config": {"host_key": folder.server.pin}, "settle_seconds": 0}
    api.patch(f"/sources/{source}", agreed, found["version"])
    folder.put("a.csv", [["Department", "Fiscal Year", "Budget"], ["Ops", "FY2026", "5"]])
    for _ in range(100):
        budgets = api.get("/budgets")["data"]
        if budgets:
            break
        time.sleep(1)
    assert [budget["budgeted_amount"] for budget in budgets] == ["5.00"]
    assert budgets[0]["source"] == "sftp"
    (run,) = [run for run in api.get(f"/sources/{source}/runs")["data"] if run["files_taken"]]
    assert (run["trigger"], run["state"]) == ("schedule", "succeeded")
    for _ in range(40):
        (file,) = api.get(f"/sources/{source}/files")["data"]
        if file["state"] == "imported":
            break
        time.sleep(0.5)
    assert file["state"] == "imported"


def test_sources_are_paused_from_the_shell_one_all_and_everywhere(
    live: Live, folder: Folder, tmp_path: Path
) -> None:
    mine = live.another()
    tenant = f"--tenant={mine.tenant_id}"
    source = add(mine, folder, tmp_path, "--schedule=* * * * *")
    api = Client(mine.url, mine.key)
    assert mine.command("sources", "pause", "Nightly", tenant).returncode == 0
    assert api.get(f"/sources/{source}")["is_active"] is False
    assert mine.command("sources", "resume", "Nightly", tenant).returncode == 0
    assert api.get(f"/sources/{source}")["is_active"] is True
    assert mine.command("sources", "pause", tenant).returncode == 1
    paused = mine.command("sources", "pause", "--all", "--json", tenant)
    assert json.loads(paused.stdout)["paused_by"] == "the key command line"
    assert mine.command("sources", "resume", "--all", tenant).returncode == 0
    assert api.get("/sources/pause")["paused"] is False
    assert mine.command("schedules", "pause", "start_sources").returncode == 0
    try:
        assert api.get("/sources/pause")["operator_paused_at"] is not None
        listed = json.loads(mine.command("schedules", "list", "--json").stdout)["data"]
        assert [one["name"] for one in listed if one["paused"]] == ["start_sources"]
    finally:
        resumed = mine.command("schedules", "resume", "start_sources")
    assert resumed.returncode == 0, resumed.stderr
    assert api.get("/sources/pause")["paused"] is False
    assert mine.command("schedules", "pause", "tock").returncode == 1


def test_a_folder_of_the_machine_is_read_and_its_files_moved(live: Live) -> None:
    mine = live.another()
    tenant = f"--tenant={mine.tenant_id}"
    folder = mine.home / "drop" / str(mine.tenant_id) / "in"
    folder.mkdir(parents=True)
    folder.chmod(0o777)  # the stack runs as another account where root starts it
    (folder / "a.csv").write_text("Department,Fiscal Year,Budget\nOps,FY2026,5\n")
    (folder / "b.csv").symlink_to("/etc/passwd")
    made = mine.command(
        "sources", "add", "Drop", "--type=folder", "--config=path=in", "--after=move", tenant
    )
    assert made.returncode == 0, made.stderr
    api = Client(mine.url, mine.key)
    found = api.get(f"/sources/{made.stdout.strip()}")
    api.patch(f"/sources/{found['id']}", {"settle_seconds": 0}, found["version"])
    tested = mine.command("sources", "test", "Drop", tenant)
    assert (tested.returncode, tested.stdout) == (0, "ok: in has 1 matching files.\n")
    synced = mine.command("sources", "sync", "Drop", tenant)
    assert synced.stdout.startswith("succeeded, 1 files seen, 1 taken")
    for _ in range(60):
        if (folder / "imported/a.csv").is_file():
            break
        time.sleep(0.5)
    assert (folder / "imported/a.csv").is_file()
    assert [one["budgeted_amount"] for one in api.get("/budgets")["data"]] == ["5.00"]
    outside = mine.command("sources", "add", "Out", "--type=folder", "--config=path=/etc", tenant)
    assert outside.returncode == 0
    refused = mine.command("sources", "test", "Out", tenant)
    assert (refused.returncode, refused.stdout.split(":")[0]) == (1, "folder_not_allowed")
