"""One's own password: changed with the present one only, and other sessions end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from bursar.database import Database
from bursar.tenants import log_in
from tests.web.pages.conftest import PASSWORD, Visitor
from tests.web.pages.test_dashboard import plain

NEW = " a few new words "


@pytest.fixture
def email(make_member: Callable[..., str]) -> str:
    return make_member("auditor")


@pytest.fixture
def two(app: Flask, email: str) -> tuple[Visitor, Visitor]:
    """The same person at two machines."""
    here, there = Visitor(app), Visitor(app)
    for one in (here, there):
        assert one.log_in(email).status_code == 303
    return here, there


def change(visitor: Visitor, **typed: str) -> Any:
    form = {"present": PASSWORD, "password": NEW, "again": NEW} | typed
    return visitor.send("/account/password", seen="/account", **form)


def test_a_change_ends_the_other_sessions(
    two: tuple[Visitor, Visitor], email: str, database: Database, app: Flask
) -> None:
    here, there = two
    assert there.get("/account").status_code == 200
    assert change(here).status_code == 303
    assert "Your password is changed." in plain(here.get("/account").text)
    assert there.get("/budgets").location.startswith("/login")
    assert log_in(database, email, NEW).name == "Mia Member"
    assert Visitor(app).log_in(email).status_code == 401
    assert there.log_in(email, NEW).status_code == 303
    assert here.get("/budgets").status_code == 200


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"present": "wrong"}, "present"), ({"present": ""}, "present"),
     ({"password": "short", "again": "short"}, "password"), ({"again": NEW.strip()}, "again"),
     ({"password": "x" * 201, "again": "x" * 201}, "password")],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_changes(
    two: tuple[Visitor, Visitor], email: str, database: Database, typed: dict[str, str], field: str
) -> None:
    here, there = two
    refused = change(here, **typed)
    assert refused.status_code == 422
    assert f'id="{field}-wrong"' in refused.text
    assert NEW not in refused.text
    assert there.get("/budgets").status_code == 200
    assert log_in(database, email, PASSWORD)


def test_the_account_says_who_one_is(two: tuple[Visitor, Visitor], email: str) -> None:
    text = plain(two[0].get("/account").text)
    assert email in text
    assert "Auditor" in text
    assert two[0].get("/budgets").text.count('href="/account"') == 1
