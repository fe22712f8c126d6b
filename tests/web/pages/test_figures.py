"""Amounts by the browser's language, and times in the organisation's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask, g

from bursar.database import Database
from bursar.tenants import Principal, create_tenant
from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain
from web.pages.drawing import breakable, in_words
from web.pages.figures import file_size, money, number
from web.pages.moments import clock, day_or_moment, moment


@pytest.mark.parametrize(
    ("languages", "said"),
    [
        ("", "−1,234,567.50"),
        ("en-US,en;q=0.9", "−1,234,567.50"),
        ("de-DE,de;q=0.9,en;q=0.8", "−1.234.567,50"),
        ("de-CH", "−1’234’567.50"),
        ("fr", "−1\u202f234\u202f567,50"),
        ("en-IN", "−12,34,567.50"),
        ("tlh,xx-YY,nl;q=0.5", "−1.234.567,50"),
        ("tlh", "−1,234,567.50"),
        ("*", "−1,234,567.50"),
        ("../../etc/passwd, \x00", "−1,234,567.50"),
    ],
)
def test_numbers_are_written_as_the_browser_asks(app: Flask, languages: str, said: str) -> None:
    with app.test_request_context(headers={"Accept-Language": languages}):
        assert number("-1234567.5", 2) == said


def test_every_currency_has_its_own_decimals(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        shown = [str(money("1234.5", code)) for code in ("EUR", "JPY", "KWD")]
        assert [text[text.index(">") + 1 : text.index("\u00a0")] for text in shown] == [
            "1.234,50", "1.234", "1.234,500",
        ]  # fmt: skip
        assert file_size(1_600_000) == "1,5 MB"


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "2026-07-01 22:30 UTC"),
        ("Europe/Berlin", "2026-07-02 00:30 CEST"),
        ("Asia/Kolkata", "2026-07-02 04:00 IST"),
        ("America/Sao_Paulo", "2026-07-01 19:30 -03"),
    ],
)
def test_times_are_those_of_the_organisation(app: Flask, zone: str, said: str) -> None:
    when = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    with app.test_request_context():
        g.principal = Principal(UUID(int=1), "user:x", "admin", time_zone=zone)
        shown = plain(str(moment(when))).strip()
        assert shown == said
        assert 'datetime="2026-07-01T22:30:00Z"' in str(moment(when))
        assert clock(when)[:8] == f"{said[11:16]}:00"


def test_pages_follow_the_browser_and_the_organisation(
    visitor: Visitor, make_visitor: MakeVisitor, database: Database, make_budget: MakeBudget
) -> None:
    budget = make_budget("1234567.5")
    german = visitor.client.get(f"/budgets/{budget}", headers={"Accept-Language": "de"}).text
    assert "1.234.567,50" in german
    # What is typed is written plainly, in every language.
    form = visitor.client.get(f"/budgets/{budget}/edit", headers={"Accept-Language": "de"}).text
    assert 'value="1234567.50"' in form
    assert "\u00a0UTC</time>" in german
    there = create_tenant(database, "Kolkata", time_zone="Asia/Kolkata")
    away = make_visitor(tenant=there)
    away.send("/settings/keys", seen="/settings/keys", name="one", role="auditor")
    assert "\u00a0IST</time>" in away.get("/settings/keys").text


def test_the_wire_knows_no_language(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1234567.5")
    answer = api.call("GET", f"/budgets/{budget}", headers={"Accept-Language": "de"})
    assert answer.get_json()["budgeted_amount"] == "1234567.50"


def test_names_of_files_break_after_their_marks_and_stay_text() -> None:
    assert str(breakable("harbour_city-2.csv")) == "harbour_<wbr>city-<wbr>2.<wbr>csv"
    assert str(breakable("<script>_x.csv")) == "&lt;script&gt;_<wbr>x.<wbr>csv"


def test_fields_are_named_as_pages_do_and_columns_as_the_file_does() -> None:
    assert in_words("No column gives fiscal_period; choose.") == (
        "No column gives “Fiscal period”; choose."
    )
    quoted = "'FY25 budgeted_amount' and \"fiscal_period\" are of one period."
    assert in_words(quoted) == quoted


def test_a_day_is_a_day_and_a_moment_a_moment(app: Flask) -> None:
    with app.test_request_context():
        g.principal = Principal(UUID(int=1), "user:x", "admin", time_zone="Asia/Kolkata")
        day = datetime(2026, 7, 1, 18, 30, tzinfo=UTC)
        assert plain(str(day_or_moment(day))).strip() == "2026-07-02"
        assert plain(str(day_or_moment(day + timedelta(minutes=1)))).strip().endswith("00:01 IST")
