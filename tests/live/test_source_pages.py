"""Sources and webhooks in a real browser, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.cli.client import Client
from tests.connectors.peers.sftp_servers import AsyncSsh
from tests.connectors.test_sftp import Folder
from tests.live.browser import Watched
from tests.live.stack import Live


@pytest.fixture
def folder() -> Iterator[Folder]:
    server = AsyncSsh()
    yield Folder(server)
    server.stop()


def test_a_source_is_added_agreed_to_and_run(watched: Watched, mine: Live, folder: Folder) -> None:
    rows = [["Department", "Fiscal Year", "Budget"], ["Ops", "FY2026", "5"]]
    folder.put("budget_a.csv", rows)
    watched.log_in(mine)
    page = watched.open("/sources")
    watched.check()
    page.get_by_role("main").get_by_role("link", name="Add a source").first.click()
    watched.check()
    page.get_by_role("link", name="SFTP server").click()
    watched.check()
    config, _ = folder.settings()
    page.get_by_label("Name").fill("Harbour feed")
    page.get_by_label("Host", exact=True).fill("127.0.0.1")
    page.get_by_label("Port").fill(str(config["port"]))
    page.get_by_label("User").fill(str(config["username"]))
    page.get_by_label("Folder").fill(str(config["path"]))
    page.get_by_label("Or private key").fill(folder.server.private_key)
    page.get_by_label("Schedule").fill("02:00")
    page.get_by_role("button", name="Add the source").click()
    page.get_by_role("heading", name="Harbour feed").wait_for()
    watched.check()
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text("Nobody has agreed to the host key").wait_for()
    watched.check()
    page.get_by_role("button", name="Agree to SHA256:").click()
    page.get_by_text("The host key is agreed to.").wait_for()
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text("The test went well.").wait_for()
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("heading", name="Edit Harbour feed").wait_for()
    watched.check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("The source is being looked at.").wait_for()
    for _ in range(60):
        page.reload()
        if page.get_by_text("May still grow").count():
            break
        page.wait_for_timeout(500)
    watched.check()
    watched.open("/sources")
    page.get_by_text("Healthy").wait_for()
    watched.check()
    page.get_by_role("button", name="Pause all sources").click()
    page.get_by_text("All sources are paused by Ada Admin").wait_for()
    watched.check()
    page.get_by_role("button", name="Let all go on").click()
    page.get_by_role("button", name="Pause all sources").wait_for()


def test_a_webhook_is_made_and_its_secret_shown_once(watched: Watched, mine: Live) -> None:
    watched.log_in(mine)
    page = watched.open("/webhooks")
    watched.check()
    page.get_by_label("Address").fill("https://example.invalid/hook")
    page.get_by_label("alert.raised").check()
    page.get_by_role("button", name="Add the webhook").click()
    page.get_by_text("it is not shown again").wait_for()
    watched.check()
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_text("A test event is on its way").wait_for()
    for _ in range(60):
        page.reload()
        if page.get_by_text("The DNS knows no host").count():
            break
        page.wait_for_timeout(500)
    page.get_by_role("row").filter(has_text="webhook.test").wait_for()
    watched.check()
    watched.open("/webhooks")
    page.get_by_role("link", name="https://example.invalid/hook").wait_for()
    watched.check()


def test_a_failed_file_is_taken_again(watched: Watched, mine: Live) -> None:
    place = mine.home / "drop" / str(mine.tenant_id)
    place.mkdir(parents=True)
    (place / "bad.csv").write_text("Department,Fiscal Year,Budget\nOps,FY2026,lots\n")
    api = Client(mine.url, mine.key)
    new = {"name": "Drop", "type": "folder", "config": {}, "settle_seconds": 0}
    source = api.post("/sources", new)["id"]
    page = watched.log_in(mine)
    watched.open(f"/sources/{source}")
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("The source is being looked at.").wait_for()  # else a reload comes in between

    def until_failed() -> None:
        for _ in range(60):
            page.reload()
            if page.get_by_role("button", name="Take again").count():
                break
            page.wait_for_timeout(500)
        page.get_by_role("button", name="Take again bad.csv").wait_for()

    until_failed()
    watched.check()
    page.get_by_role("button", name="Take again bad.csv").click()
    page.get_by_text("It is imported again.").wait_for()
    until_failed()
    assert len(api.get("/imports")["data"]) == 2
    assert watched.complaints == []
