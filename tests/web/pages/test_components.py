"""The page of components shows every token and macro, and each macro has a page that uses it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.web.pages.conftest import Visitor
from web.pages import components, stylesheet

TEMPLATES = stylesheet.FOLDER.with_name("templates")
PAGE = TEMPLATES / "components.html"
MACRO = re.compile(r"\{% macro ([a-z]\w*)\(")


def macros() -> dict[str, list[str]]:
    """The macros of each file of parts; those that begin with a line are its own affair."""
    return {path.stem: MACRO.findall(path.read_text()) for path in TEMPLATES.glob("parts/*.html")}


def calls(text: str) -> set[str]:
    """The names of what a template calls."""
    return set(re.findall(r"\{[{%][^}]*?\b([a-z]\w*)\(", text)) | set(
        re.findall(r"\b([a-z]\w*)\(", " ".join(re.findall(r"\{[{%](.*?)[}%]\}", text)))
    )


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def test_every_token_is_shown_with_its_values(visitor: Visitor) -> None:
    shown = text_of(visitor.get("/components").text)
    tokens = stylesheet.FOLDER.joinpath("tokens.css").read_text()
    assert {name for name in re.findall(r"(--[\w-]+):", tokens) if name not in shown} == set()
    told = [token for group in components.tokens().values() for token in group]
    assert ("--page", "#f4f6f6", "#0f1615") in told


def test_every_macro_is_drawn_under_its_name(visitor: Visitor) -> None:
    shown, drawn = visitor.get("/components").text, calls(PAGE.read_text())
    for file, names in macros().items():
        assert f"parts/{file}.html" in shown
        for name in names:
            assert name in drawn, f"{name} is not drawn"
            assert name == "icon" or f"<code>{name}(" in shown, f"{name} is not named"


def test_every_macro_is_used_by_a_page() -> None:
    others = [path for path in TEMPLATES.rglob("*.html") if path != PAGE]
    used = {path: calls(path.read_text()) for path in others}
    for file, names in macros().items():
        for name in names:
            places = [path for path, called in used.items() if name in called]
            assert set(places) - {TEMPLATES / f"parts/{file}.html"}, f"nothing uses {name}"


def test_a_page_imports_only_what_it_calls() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        imported = re.findall(r"\{% from \"parts/\w+\.html\" import (.*?) %\}", text)
        rest = re.sub(r"\{% from .*? %\}", "", text)
        named = {name for line in imported for name in line.split(", ")}
        assert named - calls(rest) == set(), path.name


def test_what_is_pressed_there_leads_back(visitor: Visitor) -> None:
    answer = visitor.send("/components", seen="/components")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/components")


def test_no_class_is_written_that_no_rule_knows() -> None:
    sheets = "\n".join(path.read_text() for path in stylesheet.FOLDER.glob("*.css"))
    known = set(re.findall(r"\.([a-z][\w-]*)", sheets))
    for path in TEMPLATES.rglob("*.html"):
        for written in re.findall(r'\bclass="([^"]*)"', _plain(path)):
            assert set(written.split()) <= known, f"{path.name}: {written}"


def _plain(path: Path) -> str:
    return re.sub(r"\{[{%].*?[%}]\}", " ", path.read_text())


def test_the_frame_is_whole_on_the_pages_about_the_api(visitor: Visitor) -> None:
    shown = visitor.get("/api/docs").text
    assert "Log out" in shown
    assert 'data-key="b"' in shown
