"""A morning of each of the three who use Bursar: once with a mouse, once by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.live.browser import PHONE, Watched, settled
from tests.live.caller import Caller, csv_of
from tests.live.hands import Hand, Keys, Mouse
from tests.live.stack import Live

ROWS = [("Legal", "Software", "1000"), ("Legal", "Travel", "500"), ("Sales", "Ads", "2500")]
MESSY = b"Budget 2025\n\nDept.,Sub Category,Fiscal Year,Budgetted Amt\n" + b"".join(
    [
        b"Legal,Software,FY2025,1000\n",
        b"Legal,Travel,FY2025,to be agreed\n",
        b"Ops,Fuel,FY2025,70\n",
    ]
)


SKIP = "Skip rows with errors: load the others, and give the rejected rows back as a file"


@pytest.fixture
def window(browser: Browser, mine: Live) -> Iterator[Watched]:
    """A window of the tenant's administrator, who has logged in."""
    with browser.new_context(accept_downloads=True) as context:
        watched = Watched(context, mine)
        watched.log_in(mine)
        yield watched


@pytest.fixture(params=[Mouse, Keys], ids=["mouse", "keyboard"])
def hand(request: pytest.FixtureRequest, window: Watched) -> Hand:
    """A pointing finger on a phone, or the keys of a desk."""
    if request.param is Mouse:
        window.page.set_viewport_size(PHONE)
    made: Hand = request.param(window.page)
    return made


def heading(page: Page, name: str | re.Pattern[str]) -> None:
    page.get_by_role("heading", name=name).first.wait_for()


def test_the_analyst_brings_a_file_in(window: Watched, hand: Hand) -> None:
    page = window.page
    hand.press("link", "Imports")
    heading(page, "Imports")
    hand.press("link", "Import a file")
    heading(page, "Import a file")
    hand.attach("Budget file", "messy.csv", MESSY)
    hand.press("button", "Upload and map")
    heading(page, "Map messy.csv")
    hand.press("button", "Go on to the review")
    heading(page, "How the rows will be read")
    hand.tick(SKIP)
    hand.press("button", "Show what would change")
    settled(page)
    expect(page.get_by_text("2 to create")).to_be_visible()
    hand.press("button", "Apply")
    page.get_by_role("link", name="Undo this import").wait_for()
    page.reload()  # what is done survives it
    expect(page.get_by_text("2 created")).to_be_visible()
    with page.expect_download() as sent_back:
        hand.press("link", "Download the rejected rows")
    assert "to be agreed" in sent_back.value.path().read_text("utf-8-sig")
    hand.press("link", "See the budgets of this import")
    expect(page.get_by_text("2 budgets found")).to_be_visible()
    hand.press("link", re.compile("^Legal"))
    heading(page, "Ledger")
    expect(page.get_by_role("row").filter(has_text="D4").first).to_be_visible()  # its cell
    window.check()
    page.go_back()
    page.go_back()
    hand.press("link", "Undo this import")
    hand.press("button", "Undo the import")
    page.get_by_text("2 budgets went back").wait_for()
    window.check()


def test_the_owner_asks_spends_and_approves(window: Watched, hand: Hand, mine: Live) -> None:
    page, caller = window.page, Caller(mine.url, mine.key, mine.tenant_id)
    caller.import_file(csv_of(ROWS), "plan.csv")
    rule = {"name": "Ask", "auto_approve_up_to": "100", "covers": "transfers"}
    caller.post("/approval-rules", rule)
    budget = next(b for b in caller.get("/budgets")["data"] if b["sub_category"] == "Travel")
    ads = next(b for b in caller.get("/budgets")["data"] if b["sub_category"] == "Ads")
    asked = {"from": ads["id"], "to": budget["id"], "amount": "300", "reason": "a fair"}
    caller.post("/transfers", asked)  # the key asks, so that the owner may approve

    hand.press("link", "Check")
    hand.type("Department", "Legal")
    hand.type("Sub-category (optional)", "Travel")
    hand.type("Amount", "400")
    hand.press("button", "Check")
    expect(page.get_by_role("heading", name="Yes")).to_be_visible()
    hand.press("link", re.compile("^Legal"))
    heading(page, "Legal / Travel")
    hand.press("link", "Set aside")
    hand.type("Amount in USD", "400")
    hand.type("Reference", "PO-77")
    hand.press("button", "Set aside")
    expect(page.get_by_text("are set aside as PO-77")).to_be_visible()
    hand.press("link", "Spend")
    hand.type("Amount in USD", "400")
    hand.type("Reference", "INV-1")
    hand.press("button", "Spend")
    expect(page.get_by_text("Only 100.00 USD of the budget is available.")).to_be_visible()
    window.complaints = [one for one in window.complaints if "409" not in one]  # the browser's own
    hand.press("link", "Budgets")
    heading(page, "Budgets")
    hand.press("link", "Transfers")
    hand.press("button", "Approve")
    expect(page.get_by_text("The transfer is approved")).to_be_visible()
    hand.press("link", re.compile("^Legal"))
    heading(page, "Legal / Travel")
    hand.press("button", "Release PO-77")
    expect(page.get_by_text("PO-77 holds nothing any more")).to_be_visible()
    hand.press("link", "Report")
    heading(page, re.compile("^Report of"))
    window.check()
    assert caller.get(f"/budgets/{budget['id']}")["available"] == "800.00"


def test_the_operator_finds_what_failed_and_puts_it_right(
    window: Watched, hand: Hand, mine: Live
) -> None:
    page, caller = window.page, Caller(mine.url, mine.key, mine.tenant_id)
    failed = caller.import_file(b"Department,Fiscal Year,Budget\nOps,FY2025,many\n", "bad.csv")
    assert failed["state"] == "failed"
    place = mine.home / "drop" / str(mine.tenant_id)
    place.mkdir(parents=True, exist_ok=True)
    caller.post("/sources", {"name": "Drop", "type": "folder", "config": {}, "schedule": "02:00"})

    hand.press("link", "Operations")
    heading(page, "Operations")
    hand.press("link", re.compile("^All jobs"))
    heading(page, "Jobs")
    hand.choose("State", "Failed")
    hand.press("button", "Filter")
    page.wait_for_url(re.compile("state=failed"))
    hand.press("link", re.compile("^Import a file of"))
    heading(page, "Import a file")
    hand.press("button", "Try again")
    page.get_by_text("The job is queued again.").wait_for()
    hand.press("link", "Sources")
    hand.press("link", "Drop")
    heading(page, "Drop")
    hand.press("button", "Pause")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    hand.press("link", "Alerts")
    heading(page, "Alerts")
    window.check()
