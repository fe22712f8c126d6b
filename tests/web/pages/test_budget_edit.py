"""Changing a budget on its page, alone and while somebody else does."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bursar.budgets.editing import NewBudget, create_budget
from bursar.database import Database
from bursar.tenants import create_tenant
from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain


def fields(html: str) -> dict[str, str]:
    """What the form on a page would send."""
    form = html[html.index('id="edit"') : html.index("</form>", html.index('id="edit"'))]
    typed = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form))
    typed["notes"] = re.search(r"<textarea[^>]*>([^<]*)<", form)[1]  # type: ignore[index]
    typed["status"] = re.search(r'<option value="(\w+)" selected', form)[1]  # type: ignore[index]
    return typed


def send(visitor: Visitor, budget: UUID, form: dict[str, str], **changes: str) -> Any:
    return visitor.client.post(f"/budgets/{budget}/edit", data=form | changes)


def test_a_change_is_saved_and_posted(visitor: Visitor, api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    form = fields(visitor.get(f"/budgets/{budget}/edit").text)
    assert form["amount"] == "100.00"
    answer = send(visitor, budget, form, amount="1,250.50", owner="Ann", notes="so")
    assert answer.status_code == 303
    shown = api.get(f"/budgets/{budget}").get_json()
    assert (shown["budgeted_amount"], shown["available"]) == ("1250.50", "1250.50")
    kinds = [one["kind"] for one in api.get(f"/budgets/{budget}/ledger").get_json()["data"]]
    assert kinds == ["adjust", "fund"]


def test_money_that_was_added_meanwhile_stays(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    form = fields(visitor.get(f"/budgets/{budget}/edit").text)
    more = {"amount": "50", "currency": "USD", "reason": "more"}
    assert api.post(f"/budgets/{budget}/topup", more).status_code == 201
    assert send(visitor, budget, form, owner="Ann").status_code == 303
    shown = api.get(f"/budgets/{budget}").get_json()
    assert (shown["owner"], shown["budgeted_amount"]) == ("Ann", "150.00")
    form = fields(visitor.get(f"/budgets/{budget}/edit").text)
    assert api.post(f"/budgets/{budget}/topup", more).status_code == 201
    told = send(visitor, budget, form, amount="120")
    assert told.status_code == 412
    assert "It says now: 200.00 USD" in plain(told.text)
    assert send(visitor, budget, fields(told.text)).status_code == 303
    assert api.get(f"/budgets/{budget}").get_json()["budgeted_amount"] == "120.00"


def test_who_comes_second_sees_both_values_and_loses_none(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    first = fields(visitor.get(f"/budgets/{budget}/edit").text)
    second = dict(first)
    assert send(visitor, budget, first, owner="Ann", amount="300").status_code == 303
    told = send(visitor, budget, second, owner="Bob", notes="mine")
    assert told.status_code == 412
    text = plain(told.text)
    assert "Somebody has changed this budget since you opened it" in text
    assert ": Owner, Budgeted amount. Nothing of yours is lost" in text
    again = fields(told.text)
    # What the second has left alone says what the first made of it.
    assert (again["owner"], again["notes"], again["amount"]) == ("Bob", "mine", "300.00")
    assert re.findall(r"It says now: \S+", text) == ["It says now: Ann"]
    assert api.get(f"/budgets/{budget}").get_json()["owner"] == "Ann"
    assert send(visitor, budget, again).status_code == 303
    shown = api.get(f"/budgets/{budget}").get_json()
    kept = (shown["owner"], shown["notes"], shown["budgeted_amount"])
    assert kept == ("Bob", "mine", "300.00")


def test_both_amounts_are_shown_where_two_have_changed_it(
    visitor: Visitor, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    first = fields(visitor.get(f"/budgets/{budget}/edit").text)
    second = dict(first)
    assert send(visitor, budget, first, amount="300").status_code == 303
    told = send(visitor, budget, second, amount="1,400")
    assert told.status_code == 412
    assert fields(told.text)["amount"] == "1400.00"
    assert "It says now: 300.00 USD" in plain(told.text)


def test_a_stale_form_that_says_the_same_has_no_conflict(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    assert api.patch(f"/budgets/{budget}", {"notes": "one\ntwo"}, 1).status_code == 200
    first = fields(visitor.get(f"/budgets/{budget}/edit").text)
    assert send(visitor, budget, first, owner="Ann").status_code == 303
    # As a browser sends lines.
    lines = {name: text.replace("\n", "\r\n") for name, text in first.items()}
    told = send(visitor, budget, lines, owner="Ann")
    assert told.status_code == 412
    assert "It says now" not in plain(told.text)
    assert "What you have not touched" in plain(told.text)


def test_what_cannot_be_is_said_with_what_was_typed(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    held = {"amount": "80", "currency": "USD", "ref_id": "PO-1"}
    api.post(f"/budgets/{budget}/reservations", held)
    form = fields(visitor.get(f"/budgets/{budget}/edit").text)
    for amount in ("abc", "1.234", "", "NaN", "1,5", "12,34,567", "1,000 000", "1,000.5,0"):
        refused = send(visitor, budget, form, amount=amount, owner="Eve")
        assert refused.status_code == 422, amount
        assert "Nothing was changed." in refused.text
        assert fields(refused.text)["owner"] == "Eve"
    for name, bad in (("status", "spent"), ("owner", "a\0b"), ("notes", "x" * 5001), ("name", " ")):
        refused = send(visitor, budget, form, **{name: bad})
        assert refused.status_code == 422, name
    assert api.get(f"/budgets/{budget}").headers["ETag"] == '"1-100.00"'
    below = send(visitor, budget, form, amount="10")
    assert below.status_code == 409
    assert "Why it may fall below" in below.text
    passed = send(visitor, budget, form, amount="10", override="agreed with finance")
    assert passed.status_code == 303
    assert api.get(f"/budgets/{budget}").get_json()["available"] == "-70.00"


def test_what_is_set_aside_is_shown_and_given_back(
    visitor: Visitor, make_visitor: MakeVisitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    held = {"amount": "80", "currency": "USD", "ref_id": "PO-1"}
    api.post(f"/budgets/{budget}/reservations", held)
    assert re.search(r"PO-1 Reserved 80.00 USD", plain(visitor.get(f"/budgets/{budget}").text))
    sent = {"ref_type": "reservation", "ref_id": "PO-1"}
    auditor = make_visitor("auditor")
    path = f"/budgets/{budget}/release"
    other = make_budget("100", department="Legal")
    assert visitor.send(f"/budgets/{other}/release", seen="/", **sent).status_code == 404
    assert auditor.send(path, seen=f"/budgets/{budget}", **sent).status_code == 403
    assert visitor.send(path, seen=f"/budgets/{budget}", **sent).status_code == 303
    assert api.get(f"/budgets/{budget}").get_json()["available"] == "100.00"
    assert visitor.send(path, seen=f"/budgets/{budget}", **sent).status_code == 409
    assert auditor.get(f"/budgets/{budget}/edit").status_code == 403


def test_a_reason_that_cannot_be_kept_is_refused(visitor: Visitor, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    form = fields(visitor.get(f"/budgets/{budget}/edit").text)
    for reason in ("a\0b", "x" * 501):
        assert send(visitor, budget, form, amount="50", override=reason).status_code == 422


@pytest.mark.parametrize(
    ("currency", "made", "shown", "typed", "posted", "refused"),
    [
        ("JPY", "1234567", "1,234,567 JPY", "2,000,000", "2000000", "1500.5"),
        ("KWD", "1234.567", "1,234.567 KWD", "2,000.125", "2000.125", "1500.1234"),
    ],
)
def test_each_currency_has_its_own_decimals_on_pages(
    database: Database, make_visitor: MakeVisitor, currency: str, made: str, shown: str,
    typed: str, posted: str, refused: str,
) -> None:  # fmt: skip
    tenant = create_tenant(database, currency, allowed_currencies=(currency,))
    new = NewBudget("Parks", "FY2025", Decimal(made), currency)
    with database.transaction(tenant, "test") as session:
        budget = create_budget(session, tenant, new, "test").id
    visitor = make_visitor(tenant=tenant)
    for page in ("/", "/budgets", f"/budgets/{budget}"):
        assert shown in plain(visitor.get(page).text).replace("\u00a0", " "), page
    form = fields(visitor.get(f"/budgets/{budget}/edit").text)
    assert form["amount"] == made
    assert send(visitor, budget, form, amount=refused).status_code == 422
    assert send(visitor, budget, form, amount=typed).status_code == 303
    assert fields(visitor.get(f"/budgets/{budget}/edit").text)["amount"] == posted
