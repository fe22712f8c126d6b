"""The pages in a real browser on a real stack: the main job from file to budgets."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser

from ops.cli.client import Client
from tests.live.browser import Watched, settled
from tests.live.stack import ROOT, Live

SAMPLE = ROOT / "ops/sample/harbour_city_budget.csv"


def test_a_file_becomes_budgets(watched: Watched, mine: Live) -> None:
    page = watched.open("/login")
    watched.check()
    watched.log_in(mine)
    watched.check()

    page.get_by_role("link", name="Import a file").first.click()
    watched.check()
    page.get_by_label("Budget file").set_input_files(SAMPLE)
    page.get_by_text("Chosen: harbour_city_budget.csv").wait_for()
    page.get_by_role("button", name="Upload and map").click()

    page.get_by_role("heading", name="Map harbour_city_budget.csv").wait_for()
    assert page.get_by_label("Dept.").input_value() == "department"
    assert page.get_by_label("Budgetted Amt").input_value() == "budgeted_amount"
    watched.check()
    page.get_by_role("button", name="Go on to the review").click()
    page.get_by_role("heading", name="How the rows will be read").wait_for()
    watched.check()
    page.get_by_label("Skip rows with errors").check()
    page.get_by_role("button", name="Show what would change").click()

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

    watched.open("/budgets?department=Legal")
    row = page.get_by_role("row").filter(has_text="Outside counsel")
    assert re.search(r"301,736\.00\s*USD", row.inner_text())
    assert page.get_by_role("row").filter(has_text="Advertising").count() == 0
    watched.check()
    row.get_by_role("link").click()
    page.get_by_role("heading", name="Ledger").wait_for()
    watched.check()
    for path in ("/imports", "/operations", "/jobs", "/api/docs"):
        watched.open(path)
        watched.check()


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
    watched.log_in(mine)
    page = watched.open("/budgets")
    page.get_by_label("Search").fill("dredg")
    page.get_by_text("1 budget found").wait_for()
    assert "q=dredg" in page.url
    page.reload()
    assert page.get_by_label("Search").input_value() == "dredg"
    assert page.get_by_role("row").filter(has_text="Dredging").count() == 1
    assert watched.complaints == []
