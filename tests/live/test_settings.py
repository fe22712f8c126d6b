"""Alerts and settings in a real browser, by mouse and by keyboard alone."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

from ops.cli.client import Client
from tests.live.browser import Watched, tab_to
from tests.live.stack import Live

PAGES = ("", "/members", "/keys", "/rules", "/periods", "/words", "/organisation")


def with_alerts(live: Live) -> Client:
    """Two budgets that refused what they do not have."""
    api = Client(live.url, live.key)
    for name in ("Roads", "Parks"):
        budget = api.post("/budgets", {
            "department": name, "fiscal_period": "FY2026", "budgeted_amount": "100",
            "currency": "USD",
        })["id"]  # fmt: skip
        api.post(f"/budgets/{budget}/reservations",
                 {"amount": "85", "currency": "USD", "ref_id": f"first-{name}"})  # fmt: skip
    return api


def until_alerts(page: Page, count: int) -> None:
    """Wait until what the ledger told of has become alerts."""
    for _ in range(60):
        if page.get_by_role("checkbox").count() == count:
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError("no alerts")


def test_alerts_are_read_filtered_and_seen_to(watched: Watched, mine: Live) -> None:
    page = watched.log_in(mine)
    watched.open("/alerts")
    page.get_by_text("No alerts yet").wait_for()
    watched.check()
    with_alerts(mine)
    until_alerts(page, 2)
    watched.check()
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Mark the chosen as seen").click()
    page.get_by_text("2 alerts are marked as seen.").wait_for()
    assert page.get_by_text("Seen by Ada Admin").count() == 2
    watched.check()
    page.get_by_role("button", name="Resolve the alert").first.click()
    page.get_by_text("The alert is resolved.").wait_for()
    page.get_by_label("State").select_option("resolved")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("Resolved by Ada Admin").wait_for()
    assert "state=resolved" in page.url
    watched.check()
    page.get_by_role("link", name="all its alerts").click()
    page.get_by_text("Only alerts about").wait_for()
    watched.check()


def test_alerts_by_keyboard_alone(watched: Watched, mine: Live) -> None:
    with_alerts(mine)
    page = watched.log_in(mine)
    watched.open("/alerts")
    until_alerts(page, 2)
    page.get_by_label("State").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('[type=checkbox]')"):
            break
    page.keyboard.press("Space")
    assert page.get_by_role("checkbox", checked=True).count() == 1
    # The buttons stand before the rows, so the way to them is back.
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.value === 'resolve'"):
            break
    page.keyboard.press("Enter")
    page.get_by_text("1 alert is resolved.").wait_for()
    watched.check()


def test_members_and_keys_by_mouse(watched: Watched, mine: Live, browser: Browser) -> None:
    page = watched.log_in(mine)
    page.get_by_role("link", name="Settings", exact=True).click()
    for path in PAGES:
        watched.open(f"/settings{path}")
        watched.check()
    watched.open("/settings/members")
    email = f"ana-{mine.tenant_id.hex[:8]}@live.example"
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Name").fill("Ana Analyst")
    page.get_by_label("Role").select_option("fpa")
    page.get_by_role("button", name="Add the member").click()
    password = page.get_by_label("First password").input_value()
    watched.check()
    with browser.new_context() as context:
        ana = Watched(context, mine)
        ana.open("/login")
        ana.page.get_by_label("E-mail address").fill(email)
        ana.page.get_by_label("Password").fill(password)
        ana.page.get_by_role("main").get_by_role("button", name="Log in").click()
        ana.page.wait_for_url(ana.url + "/")
        assert ana.page.get_by_role("link", name="Settings", exact=True).count() == 0
        ana.open("/settings/members")
        assert ana.page.get_by_role("heading", level=1).inner_text() == "Forbidden"
    page.get_by_label("Auditor").check()
    page.get_by_role("button", name="Change the role").click()
    page.get_by_text("The role is changed.").wait_for()
    watched.check()
    page.get_by_role("button", name="Take access away").click()
    page.get_by_text("They can no longer log in here").wait_for()
    page.get_by_role("link", name="Show those who have left").click()
    page.get_by_role("link", name=email).click()
    page.get_by_role("button", name="Give access again").wait_for()
    watched.check()


def test_a_key_is_made_and_withdrawn_by_keyboard_alone(watched: Watched, mine: Live) -> None:
    page = watched.log_in(mine)
    page = watched.open("/settings/keys")
    tab_to(page, "textbox", "Name")
    page.keyboard.type("Till of the canteen")
    page.keyboard.press("Enter")
    page.get_by_text("Copy it now").wait_for()
    watched.check()
    key = page.get_by_label("The key", exact=True).input_value()
    assert Client(mine.url, key).get("/me")["role"] == "service"
    tab_to(page, "textbox", "The key")
    assert page.evaluate("getSelection().toString()") == key
    watched.open("/settings/keys")
    assert key not in page.content()
    # The newest stands first, so its summary is the first one that Tab reaches.
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('summary')"):
            break
    page.keyboard.press("Enter")
    tab_to(page, "button", "Withdraw for good Till of the canteen")
    watched.check()
    page.keyboard.press("Enter")
    page.get_by_text("The key Till of the canteen is withdrawn.").wait_for()
    watched.check()


def test_rules_periods_words_and_limits(watched: Watched, mine: Live) -> None:
    with_alerts(mine)
    page = watched.log_in(mine)
    watched.open("/settings/rules")
    page.get_by_label("Name").fill("Small things")
    page.get_by_label("Up to").fill("lots")
    page.get_by_role("button", name="Add the rule").click()
    page.locator("#amount-wrong").wait_for()
    assert page.get_by_label("Name").input_value() == "Small things"
    watched.complaints.clear()  # the browser complains of the status 422
    watched.check()
    page.get_by_label("Up to").fill("250")
    page.get_by_role("button", name="Add the rule").click()
    page.get_by_role("link", name="Small things").click()
    watched.check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The rule is changed.").wait_for()
    watched.open("/settings/periods")
    page.get_by_role("button", name="Soft-close FY2026").click()
    page.get_by_role("button", name="Open again FY2026").wait_for()
    watched.check()
    page.get_by_role("link", name="Close for good FY2026").click()
    watched.check()
    page.get_by_label("What goes along").select_option("carry_all")
    page.get_by_role("button", name="Try what it would do").click()
    for _ in range(60):
        if page.get_by_text("2 of 2 budgets can be closed; FY2027 takes over.").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    watched.check()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Close FY2026 for good").click()
    for _ in range(60):
        if page.get_by_text("It is closed for good.").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_text("It is closed for good.").wait_for()
    page.get_by_text("2 of 2 budgets were closed").wait_for()
    watched.check()
    watched.open("/settings/words")
    page.get_by_label("Budget", exact=True).fill("Voranschlag")
    page.get_by_role("button", name="Save the words").click()
    page.get_by_text("The words are kept").wait_for()
    watched.open("/settings/organisation")
    page.get_by_label("Largest upload, in MB").fill("5")
    page.get_by_role("button", name="Save the limit").click()
    page.get_by_text("5 MB", exact=True).wait_for()
    watched.check()
