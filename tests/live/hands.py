"""Two ways to use a page: with a mouse, and with a keyboard alone."""

from __future__ import annotations

import json
import re
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

Name = str | re.Pattern[str]
FILE = {"mimeType": "text/csv"}


class Hand(Protocol):
    """What people do on a page, whatever they do it with."""

    def press(self, role: str, name: Name) -> None:
        """Follow a link or press a button."""

    def type(self, label: str, text: str) -> None:
        """Fill a field."""

    def choose(self, label: str, option: str) -> None:
        """Take an option of a list."""

    def tick(self, label: str) -> None:
        """Tick a box."""

    def attach(self, label: str, name: str, content: bytes) -> None:
        """Choose a file."""


class Mouse:
    """Somebody who points."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, role: str, name: Name) -> None:
        self.page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]

    def type(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def tick(self, label: str) -> None:
        self.page.get_by_label(label, exact=True).check()

    def attach(self, label: str, name: str, content: bytes) -> None:
        file = {"name": name, "buffer": content, **FILE}
        self.page.get_by_label(label, exact=True).set_input_files(file)  # type: ignore[arg-type]


class Keys:
    """Somebody who has no mouse: Tab, Enter, Space, arrows and letters are all there is."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, role: str, name: Name) -> None:
        self._reach(self.page.get_by_role(role, name=name, exact=True))  # type: ignore[arg-type]
        self.page.keyboard.press("Enter")

    def type(self, label: str, text: str) -> None:
        self._reach(self._labelled(label))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        self._reach(self._labelled(label))
        self.page.keyboard.type(option)
        field = self.page.get_by_label(label, exact=True)
        expect(field.locator("option:checked")).to_have_text(option)

    def tick(self, label: str) -> None:
        wanted = self.page.get_by_label(label, exact=True)
        if wanted.get_attribute("type") == "radio":
            self._pick(wanted)
        else:
            self._reach(self._labelled(label))
            self.page.keyboard.press("Space")
        expect(wanted).to_be_checked()

    def _pick(self, wanted: Locator) -> None:
        """Tab leads to one of a group of radio buttons, and arrows to the others."""
        group = f"document.activeElement.name === {json.dumps(wanted.get_attribute('name'))}"
        for key in ("Tab", "ArrowDown"):
            for _ in range(200):
                if self.page.evaluate(group) if key == "Tab" else wanted.is_checked():
                    break
                self.page.keyboard.press(key)

    def attach(self, label: str, name: str, content: bytes) -> None:
        self._reach(self._labelled(label))
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Space")
        file = {"name": name, "buffer": content, **FILE}
        chooser.value.set_files(file)  # type: ignore[arg-type]

    def _reach(self, wanted: Locator) -> None:
        wanted.first.wait_for()
        for _ in range(200):
            self.page.keyboard.press("Tab")
            if wanted.evaluate_all("found => found.includes(document.activeElement)"):
                return
        raise AssertionError(f"no Tab leads to {wanted}")

    def _labelled(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)
