"""A browser window that writes down every complaint, and the gestures that tests share."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, ViewportSize

from tests.live.stack import Live

WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 800}
# What reaches beyond the right edge of the window.
BEYOND = """[...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > innerWidth)
  .slice(0, 5).map(one => one.outerHTML.slice(0, 120)).join(' | ')"""
# Nothing is told of the rules that are kept. In another theme only colours can change.
ALL = "{resultTypes: ['violations']}"
COLOURS = "{resultTypes: ['violations'], runOnly: {type: 'tag', values: ['cat.color']}}"
AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text()


class Watched:
    """A page of which every complaint is written down."""

    def __init__(self, context: BrowserContext, live: Live) -> None:
        self.page: Page = context.new_page()
        # A job that loses its worker is taken up by another after half a minute.
        self.page.set_default_timeout(90_000)
        self.url = live.url
        self.complaints: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._stay_home(request.url))
        self._under_way = 0
        self.page.on("request", lambda _: self._count(1))
        self.page.on("requestfinished", lambda _: self._count(-1))
        self.page.on("requestfailed", lambda _: self._count(-1))

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

    def settle(self) -> None:
        """Wait until what the present page asks for once it is there has come too."""
        self.page.wait_for_timeout(60)
        while self._under_way > 0:
            self.page.wait_for_timeout(20)

    def _count(self, change: int) -> None:
        self._under_way += change

    def log_in(self, live: Live) -> Page:
        page = self.open("/login")
        page.get_by_label("E-mail address").fill(live.email)
        page.get_by_label("Password").fill(live.password)
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        page.wait_for_url(self.url + "/")
        return page

    def check(self) -> None:
        """Nothing to complain of on the present page, to eyes, ears or fingers."""
        found = [*self.complaints, *self.faults(), *self._on_a_phone()]
        assert found == [], found

    def _on_a_phone(self) -> list[str]:
        own = self.page.viewport_size or WIDE
        self.page.set_viewport_size(PHONE)
        found = self._too_wide()
        self.page.set_viewport_size(own)
        return found

    def _too_wide(self) -> list[str]:
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide <= 0:
            return []
        return [f"{self.page.url} is {wide} pixels too wide: {self.page.evaluate(BEYOND)}"]

    def faults(self) -> list[str]:
        """What is wrong with the present page at its present width, in light and dark."""
        page, found = self.page, []
        page.wait_for_load_state()  # after a click a page is there before its style is
        if page.locator("html").get_attribute("lang") != "en" or page.locator("h1").count() != 1:
            found.append(f"{page.url}: its language or its one heading")
        found += self._too_wide()
        for scheme, options in (("light", ALL), ("dark", COLOURS)):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [f"{page.url} in {scheme}: {one}" for one in self._violations(options)]
        page.emulate_media(color_scheme="light")
        return found

    def _violations(self, options: str) -> list[str]:
        # Run from outside the page, so that the page's own policy stays as it is.
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(f"{AXE}; 0")
        found: list[str] = self.page.evaluate(
            f"axe.run({options}).then(r => r.violations.map("
            "v => `${v.id}: ${v.nodes.map(n => n.target).join(' | ')}`))"
        )
        return found


def settled(page: Page) -> None:
    """Wait until the worker is done and the page shows it by itself."""
    page.wait_for_selector("#counts-title")


def choose(page: Page, name: str, content: bytes) -> None:
    page.get_by_label("Budget file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def tab_to(page: Page, role: str, name: str | re.Pattern[str]) -> None:
    """Reach something by the Tab key alone, as somebody without a mouse does."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    for _ in range(200):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"no Tab leads to the {role} {name}")
