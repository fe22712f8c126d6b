"""The owner's pages in a real browser: the dashboard that follows, a budget, two people at once."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from ops.cli.client import Client
from tests.live.browser import Watched, tab_to
from tests.live.stack import Live


def a_budget(api: Client, name: str = "Ops", amount: str = "1000.00") -> str:
    fields = {"department": name, "sub_category": "Fuel", "fiscal_period": "FY2026",
              "budgeted_amount": amount, "currency": "USD"}  # fmt: skip
    return str(api.post("/budgets", json=fields)["id"])


def test_the_dashboard_follows_and_a_budget_tells(watched: Watched, mine: Live) -> None:
    api = Client(mine.url, mine.key)
    budget = a_budget(api)
    page = watched.log_in(mine)
    total = page.get_by_role("region", name="USD").first
    expect(total).to_contain_text("1,000.00")
    page.get_by_role("link", name="All 1 budgets").focus()
    held = {"amount": "850", "currency": "USD", "ref_id": "PO-1"}
    api.post(f"/budgets/{budget}/reservations", json=held)
    expect(total).to_contain_text("150.00", timeout=3_000)  # without a reload
    # Alerts are raised off the hot path.
    expect(page.get_by_text("passed its soft cap").first).to_be_visible(timeout=30_000)
    watched.check()

    page.get_by_role("link", name="Ops / Fuel").first.click()
    page.get_by_role("heading", name="Set aside").wait_for()
    watched.check()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Owner").fill("Ann Owner")
    watched.check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#about").get_by_text("Ann Owner")).to_be_visible()
    page.get_by_role("button", name="Release PO-1").click()
    expect(page.get_by_text("its money is available again")).to_be_visible()
    watched.check()


def test_a_slash_finds_a_budget_by_keyboard_alone(watched: Watched, mine: Live) -> None:
    api = Client(mine.url, mine.key)
    for name in ("Legal", "Ops"):
        a_budget(api, name)
    page = watched.log_in(mine)
    tab_to(page, "link", "Budgets")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/budgets$"))
    page.keyboard.press("/")
    page.keyboard.type("lega")
    expect(page.locator("#count")).to_contain_text("1 budget found")
    expect(page).to_have_url(re.compile("q=lega"))
    watched.check()
    tab_to(page, "link", re.compile(r"^Legal\b"))
    page.keyboard.press("Enter")
    tab_to(page, "link", "Edit")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "Owner (optional)")
    page.keyboard.type("Kim")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The budget is changed.")).to_be_visible()
    expect(page.locator("#about").get_by_text("Kim", exact=True)).to_be_visible()


def test_two_tabs_that_edit_the_same_budget(browser: Browser, mine: Live) -> None:
    budget = a_budget(Client(mine.url, mine.key))
    with browser.new_context() as context:
        first = Watched(context, mine)
        first.log_in(mine)
        second = Watched(context, mine)
        for tab in (first, second):
            tab.open(f"/budgets/{budget}/edit")
        first.page.get_by_label("Budgeted amount").fill("2000")
        first.page.get_by_role("button", name="Save", exact=True).click()
        expect(first.page.get_by_text("The budget is changed.")).to_be_visible()
        second.page.get_by_label("Budgeted amount").fill("3000")
        second.page.get_by_label("Notes").fill("typed at length")
        second.page.get_by_role("button", name="Save", exact=True).click()
        expect(second.page.get_by_text("Somebody has changed this budget")).to_be_visible()
        expect(second.page.get_by_text("It says now: 2000.00 USD")).to_be_visible()
        assert second.page.get_by_label("Budgeted amount").input_value() == "3000.00"
        assert second.page.get_by_label("Notes").input_value() == "typed at length"
        # The browser itself tells its console of the 412.
        second.complaints = [one for one in second.complaints if "412" not in one]
        second.check()
        second.page.get_by_role("button", name="Save mine").click()
        expect(second.page.get_by_text("3,000.00").first).to_be_visible()
