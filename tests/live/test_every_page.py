"""Every page in a real browser, at three widths, in light and dark: nothing to complain of.

The pages are those of the routes themselves, so that a new one is looked at too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.guards.conftest import web
from tests.live.browser import Watched
from tests.live.filled import fill
from tests.live.stack import Live

__all__ = ["web"]
WIDTHS = (360, 768, 1440)
# Not pages: parts of them, files, what only redirects, and what other programs draw.
NO_PAGE = re.compile(
    r"/(api/(?!docs)|v1/|metrics|healthz|readyz|static/|flower|dashboard$|live$|test-)"
    r"|/(now|progress|rejected)$|\.(csv|xlsx)$"
)
# Tables with words beyond their edge, which scroll sideways.
SCROLLED = """[...document.querySelectorAll('main .table')]
  .filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.innerText.slice(0, 60))"""


@pytest.fixture(scope="module")
def filled(live: Live, browser: Browser) -> Iterator[tuple[Watched, dict[str, str]]]:
    """A window of an administrator whose tenant has some of everything."""
    mine = live.another()
    ids = fill(mine)
    with browser.new_context() as context:
        watched = Watched(context, mine)
        watched.log_in(mine)
        yield watched, ids


def places(web: Flask) -> list[str]:
    """The routes of all pages."""
    rules = [rule for rule in web.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return sorted({rule.rule for rule in rules if not NO_PAGE.search(rule.rule)})


def test_every_page_is_fit_for_eyes_ears_and_fingers(
    filled: tuple[Watched, dict[str, str]], web: Flask
) -> None:
    watched, ids = filled
    faults, seen = [], 0
    for place in places(web):
        address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids[found[1]], place)
        page = watched.open(address)
        watched.settle()
        status = page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
        if status != 200:
            faults.append(f"{address} answers {status}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"{width} pixels: {fault}" for fault in watched.faults()]
            scrolled = page.evaluate(SCROLLED)
            faults += [f"{width} pixels: {page.url}: {one} scrolls" for one in scrolled]
        seen += 1
    assert faults == []
    # No message on the console, nothing stopped by the policy, no request to another host.
    assert watched.complaints == []
    assert seen > 40
