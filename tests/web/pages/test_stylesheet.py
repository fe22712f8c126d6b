"""The style sheet: one answer from a file for each component, and no rule without a use."""

from __future__ import annotations

import re

from flask import Flask

from web.pages import stylesheet

TEMPLATES = stylesheet.FOLDER.with_name("templates")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def sheets() -> dict[str, str]:
    found = {path.stem: path.read_text() for path in stylesheet.FOLDER.glob("*.css")}
    return {name: COMMENT.sub("", text) for name, text in found.items()}


def classes(sheet: str) -> set[str]:
    selectors = re.findall(r"([^{}]+)\{", sheet)
    return {name for one in selectors for name in re.findall(r"\.([a-z][\w-]*)", one)}


def test_every_file_is_in_the_sheet_once() -> None:
    assert sorted(stylesheet.ORDER) == sorted(sheets())


def test_a_browser_gets_it_once(app: Flask) -> None:
    web = app.test_client()
    first = web.get("/static/pages.css")
    assert first.mimetype == "text/css"
    assert first.headers["Cache-Control"] == "no-cache"
    again = web.get("/static/pages.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_no_rule_is_for_a_class_that_nothing_has() -> None:
    places = [*TEMPLATES.rglob("*.html"), *TEMPLATES.parent.rglob("*.py"),
              *TEMPLATES.with_name("static").glob("*.js")]  # fmt: skip
    text = "\n".join(path.read_text() for path in places)
    unused = {
        name for sheet in sheets().values() for name in classes(sheet)
        if not re.search(rf"(?<![\w-]){name}(?![\w-])", text)
    }  # fmt: skip
    assert unused == set()


def test_every_token_is_used_and_every_used_one_is_there() -> None:
    text = "\n".join(sheets().values())
    assert set(re.findall(r"(--[\w-]+):", sheets()["tokens"])) == set(
        re.findall(r"var\((--[\w-]+)\)", text)
    )


def test_colours_stand_among_the_tokens_alone() -> None:
    elsewhere = {name: text for name, text in sheets().items() if name not in {"tokens", "print"}}
    assert {n: re.findall(r"#[0-9a-f]{3,8}\b", text) for n, text in elsewhere.items()} == {
        name: [] for name in elsewhere
    }
