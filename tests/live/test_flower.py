"""Flower itself behind our log-in, in a real browser on a real stack."""

from __future__ import annotations

import json
import os
import signal
import time

import httpx
import pytest
from playwright.sync_api import Browser

from bursar.config import Settings
from bursar.tenants import create_key
from ops.cli.client import local_database
from ops.stack.home import open_home
from tests.live.browser import Watched
from tests.live.stack import Live
from tests.live.test_faults import pid_of


@pytest.fixture
def window(browser: Browser, mine: Live) -> Watched:
    return Watched(browser.new_context(viewport={"width": 1280, "height": 800}), mine)


def key_of(live: Live, role: str) -> dict[str, str]:
    database = local_database(open_home(live.home), Settings(database_url="", home=live.home))
    with database.transaction(live.tenant_id, "test") as session:
        key = create_key(session, live.tenant_id, role)
    database.close()
    return {"Authorization": f"Bearer {key}"}


def test_only_administrators_reach_it_and_only_through_us(mine: Live) -> None:
    for path in ("/flower", "/flower/", "/flower/api/workers", "/flower/metrics"):
        refused = httpx.get(mine.url + path)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert httpx.get(f"{mine.url}/flower/", headers=key_of(mine, "auditor")).status_code == 403
    admin = key_of(mine, "admin")
    names: list[str] = []
    until = time.monotonic() + 60  # a worker that was just started is heard of by and by
    while not any(name.startswith("worker@") for name in names) and time.monotonic() < until:
        workers = httpx.get(f"{mine.url}/flower/api/workers?refresh=1", headers=admin, timeout=30)
        assert workers.status_code == 200
        names = list(workers.json())
    assert any(name.startswith("worker@") for name in names)
    for path in ("worker/shutdown/x", "task/send-task/tick", "queue/length"):
        assert httpx.post(f"{mine.url}/flower/api/{path}", headers=admin).status_code == 403
    state = json.loads((mine.home / "state.json").read_text())
    own = f"http://127.0.0.1:{state['flower_port']}/flower/"
    assert httpx.get(own).status_code == 401
    password = (mine.home / "secrets/flower_password").read_text().strip()
    with httpx.Client(auth=("bursar", password)) as inside:
        assert inside.get(own).status_code == 200
        shutdown = inside.post(own + f"api/worker/shutdown/{next(iter(workers.json()))}")
        assert shutdown.status_code == 403, "Flower itself takes no orders either"


def test_its_pages_work_in_a_browser(window: Watched, mine: Live) -> None:
    window.log_in(mine)
    page = window.open("/operations")
    page.get_by_role("link", name="Flower").click()
    page.get_by_role("cell", name="worker@").first.wait_for()
    page.wait_for_load_state("networkidle")
    sheets = page.evaluate("[...document.styleSheets].map(s => s.cssRules.length)")
    assert len(sheets) == 3
    assert min(sheets) > 5
    assert page.evaluate("typeof autorefresh") == "number"
    page.get_by_role("link", name="worker@").first.click()
    page.get_by_text("Pool").first.wait_for()
    for tab in page.get_by_role("tab").all():
        tab.click()
    text = page.content()
    for secret in ("valkey_password", "flower_password"):
        assert (mine.home / "secrets" / secret).read_text().strip() not in text
    page.get_by_role("link", name="Tasks").first.click()
    page.locator("#tasks-table tbody tr").first.wait_for()
    assert page.get_by_text("tick").count() > 0
    page.get_by_role("link", name="Broker").first.click()
    page.get_by_text("imports").first.wait_for()
    assert window.complaints == []


def test_it_is_away_for_a_moment_and_comes_back(mine: Live) -> None:
    admin = key_of(mine, "admin")
    os.kill(pid_of(mine, "flower"), signal.SIGKILL)
    answers = set()
    for _ in range(300):
        answer = httpx.get(f"{mine.url}/flower/", headers=admin, timeout=30)
        answers.add(answer.status_code)
        if answers == {200, 503} and answer.status_code == 200:
            break
        time.sleep(0.1)
    assert answers == {200, 503}
