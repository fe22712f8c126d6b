"""The pages in a real browser on a real stack: the main job from file to budgets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from ops.cli.client import Client
from tests.live.conftest import ROOT, Live

SAMPLE = ROOT / "ops/sample/harbour_city_budget.csv"
AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]


class Watched:
    """A page of which every complaint is written down."""

    def __init__(self, context: BrowserContext, live: Live) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(30_000)
        self.url = live.url
        self.complaints: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._stay_home(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _stay_home(self, url: str) -> None:
        ours = urlsplit(self.url).netloc
        if urlsplit(url).scheme not in {"data", "blob", "about"} and urlsplit(url).netloc != ours:
            self.complaints.append(f"a request to {url}")

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def log_in(self, live: Live) -> Page:
        page = self.open("/login")
        page.get_by_label("E-mail address").fill(live.email)
        page.get_by_label("Password").fill(live.password)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        page.wait_for_url(self.url + "/")
        return page

    def check(self) -> None:
        """Nothing to complain of on the present page, to eyes, ears or fingers."""
        page = self.page
        assert self.complaints == []
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.locator("h1").count() == 1
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{page.url} is {wide} pixels too wide"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            # Run from outside the page, so that the page's own policy stays as it is.
            page.evaluate(f"{AXE}; 0")
            found = page.evaluate(
                "axe.run().then(r => r.violations.map("
                "v => `${v.id}: ${v.nodes.map(n => n.target).join(' | ')}`))"
            )
            assert found == [], (page.url, scheme)
        page.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, offline but for the stack."""
    program = os.environ.get("BURSAR_TEST_BROWSER") or "/usr/bin/chromium"
    # A failure, not a skip: without a browser nothing of the pages would be checked.
    assert Path(program).exists(), "no Chromium here; `make browser` installs one"
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=[*QUIET, *root])
        yield opened
        opened.close()


@pytest.fixture
def mine(live: Live) -> Live:
    """A tenant of the test's own."""
    return live.another()


@pytest.fixture(params=[1280, 390], ids=["wide", "narrow"])
def watched(request: pytest.FixtureRequest, browser: Browser, mine: Live) -> Iterator[Watched]:
    """A fresh browser window, wide and narrow."""
    size = {"width": request.param, "height": 800}
    with browser.new_context(viewport=size, accept_downloads=True) as context:  # type: ignore[arg-type]
        yield Watched(context, mine)


def settled(page: Page) -> None:
    """Wait until the worker is done and the page shows it by itself."""
    page.wait_for_selector("#counts-title")


def test_a_file_becomes_budgets(watched: Watched, mine: Live) -> None:
    page = watched.open("/login")
    watched.check()
    watched.log_in(mine)
    watched.check()

    page.get_by_role("link", name="Import a file").first.click()
    watched.check()
    page.get_by_label("Budget file").set_input_files(SAMPLE)
    page.get_by_text("Chosen: harbour_city_budget.csv").wait_for()
    page.get_by_role("button", name="Upload and review").click()

    page.get_by_role("heading", name="Review harbour_city_budget.csv").wait_for()
    assert page.get_by_label("Dept.").input_value() == "department"
    assert page.get_by_label("Budgetted Amt").input_value() == "budgeted_amount"
    watched.check()
    page.get_by_label("Skip rows with errors").check()
    page.get_by_role("button", name="Preview first").click()

    settled(page)
    page.get_by_text("Nothing is loaded yet").wait_for()
    watched.check()
    page.get_by_role("button", name="Apply", exact=True).click()

    settled(page)
    page.get_by_role("link", name="Download the rejected rows").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rejected rows").click()
    assert "to be agreed" in Path(download.value.path()).read_text("utf-8-sig")
    watched.check()

    watched.open("/?department=Legal")
    row = page.get_by_role("row").filter(has_text="Outside counsel")
    assert re.search(r"301,736\.00\s*USD", row.inner_text())
    assert page.get_by_role("row").filter(has_text="Advertising").count() == 0
    watched.check()
    row.get_by_role("link").click()
    page.get_by_role("heading", name="Ledger").wait_for()
    watched.check()
    for path in ("/imports", "/jobs", "/api/docs"):
        watched.open(path)
        watched.check()


def test_an_import_that_lacks_something_is_mended_from_its_page(
    watched: Watched, mine: Live
) -> None:
    file = ("no_period.csv", b"Department,Budget\nOps,5.50\nLegal,7\n")
    started = Client(mine.url, mine.key).post("/imports", files={"file": file})
    watched.log_in(mine)
    page = watched.open(f"/imports/{started['id']}")
    page.get_by_text("Neither a column nor a default gives fiscal_period").wait_for()
    watched.check()
    page.get_by_role("link", name="Review and import again").click()
    page.get_by_text("fiscal period is missing").wait_for()
    page.get_by_role("button", name="Import now").click()
    page.get_by_text("Nothing was imported. Mend it below").wait_for()
    # The browser itself says in the console that an answer was 422.
    assert len(watched.complaints) == 1
    assert "422" in watched.complaints.pop()
    watched.check()
    page.get_by_label("Fiscal period").fill("FY2026")
    page.get_by_role("button", name="Import now").click()
    page.get_by_role("link", name="See the budgets of this import").click()
    page.get_by_text("2 budgets found").wait_for()
    page.get_by_role("row").filter(has_text="Legal").wait_for()


def test_the_dashboard_is_quick_right_after_a_large_import(browser: Browser, mine: Live) -> None:
    """The database must not think that a table is still empty that has just been filled."""
    rows = "".join(f"Dept {i % 40},Item {i},FY2026,{100 + i}\n" for i in range(30_000))
    file = ("large.csv", b"Department,Sub Category,Fiscal Year,Budget\n" + rows.encode())
    api = Client(mine.url, mine.key)
    started = api.post("/imports", files={"file": file})
    with browser.new_context() as context:
        watched = Watched(context, mine)
        page = watched.log_in(mine)
        watched.open(f"/imports/{started['id']}")
        settled(page)
        page.set_default_timeout(5_000)
        page.get_by_role("link", name="See the budgets of this import").click()
        page.get_by_text("30,000 budgets found").wait_for()
        watched.open("/")
        page.get_by_text("30,000 budgets").first.wait_for()


def test_filters_work_at_once_and_live_in_the_address(watched: Watched, mine: Live) -> None:
    api = Client(mine.url, mine.key)
    for name in ("Dredging", "Fuel"):
        new = {"department": "Harbour", "sub_category": name, "fiscal_period": "FY2026"}
        api.post("/budgets", {**new, "budgeted_amount": "100", "currency": "USD"})
    page = watched.log_in(mine)
    page.get_by_label("Search").fill("dredg")
    page.get_by_text("1 budget found").wait_for()
    assert "q=dredg" in page.url
    page.reload()
    assert page.get_by_label("Search").input_value() == "dredg"
    assert page.get_by_role("row").filter(has_text="Dredging").count() == 1
    assert watched.complaints == []


def test_an_import_needs_no_mouse_and_no_script(browser: Browser, mine: Live) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        watched = Watched(context, mine)
        page = watched.open("/login?next=/imports/new")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the skip link
        page.get_by_label("E-mail address").focus()
        page.keyboard.type(mine.email)
        page.keyboard.press("Tab")
        page.keyboard.type(mine.password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/imports/new")
        content = b"Department,Fiscal Year,Budget\nScriptless,FY2027,12.50\n"
        page.get_by_label("Budget file").set_input_files(
            {"name": "plain.csv", "mimeType": "text/csv", "buffer": content}
        )
        page.get_by_role("button", name="Upload and review").press("Enter")
        page.get_by_role("button", name="Import now").press("Enter")
        settled(page)  # by a refresh of its own
        page.get_by_role("link", name="See the budgets of this import").press("Enter")
        page.get_by_role("row").filter(has_text="Scriptless").wait_for()
