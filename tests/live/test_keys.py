"""Pages by the keyboard alone: the list of keys, places by two keys, the search, the way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.live.browser import Watched
from tests.live.filled import fill
from tests.live.stack import Live


@pytest.fixture(scope="module")
def watched(live: Live, browser: Browser) -> Iterator[Watched]:
    """A window of an administrator."""
    mine = live.another()
    fill(mine)
    with browser.new_context() as context:
        watched = Watched(context, mine)
        watched.log_in(mine)
        yield watched


def test_keys_open_places_and_the_search(watched: Watched) -> None:
    page = watched.open("/")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/budgets")
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("g?")
    expect(page.get_by_label("Search")).to_have_value("g?")
    assert not page.get_by_role("dialog").is_visible()


def test_the_list_of_keys_opens_closes_and_switches_them_off(watched: Watched) -> None:
    page = watched.open("/components")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    watched.check()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use these keys in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    watched.open("/components").keyboard.press("?")
    expect(dialog).to_be_hidden()


def test_escape_closes_a_question_and_the_skip_link_passes_the_navigation(watched: Watched) -> None:
    page = watched.open("/settings/keys")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    summary = page.locator("details.ask summary").first
    summary.press("Enter")
    expect(page.locator("details.ask[open]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.locator("details.ask[open]")).to_have_count(0)
    expect(summary).to_be_focused()


def test_a_narrow_navigation_begins_where_the_page_is(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 800})
    watched.open("/operations")
    here = page.locator(".top nav [aria-current]")
    expect(here).to_be_in_viewport()
