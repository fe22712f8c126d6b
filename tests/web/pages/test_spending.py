"""Using budgets on their pages: set aside, spend, add, move; and who has to be asked."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain


def send(visitor: Visitor, budget: UUID, way: str, **typed: str) -> Any:
    """What a person types into the form of a page, with what stands in it already."""
    html = visitor.get(f"/budgets/{budget}/{way}").text
    form = html[html.index('name="once"') :]
    kept = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', "<input " + form))
    return visitor.send(f"/budgets/{budget}/{way}", seen="/budgets", **kept | typed)


def balance(api: Api, budget: UUID) -> tuple[str, ...]:
    shown = api.get(f"/budgets/{budget}").get_json()
    return tuple(shown[name] for name in ("budgeted_amount", "reserved", "spent", "available"))


def test_money_is_set_aside_spent_and_added(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("5000")
    held = send(
        visitor, budget, "reserve", amount="1,200.50", ref_id="PO-1", expires_on="2099-01-31"
    )
    assert held.status_code == 303
    assert "1,200.50 USD are set aside as PO-1." in plain(visitor.get(f"/budgets/{budget}").text)
    assert api.get("/reservations/PO-1").get_json()["expires_at"] == "2099-02-01T00:00:00Z"
    assert send(visitor, budget, "charge", amount="300", ref_id="INV-1").status_code == 303
    assert send(visitor, budget, "topup", amount="1", reason="found").status_code == 303
    assert balance(api, budget) == ("5001.00", "1200.50", "300.00", "3500.50")


def test_a_form_that_is_sent_twice_posts_once(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("5000")
    for way in ("topup", "charge", "reserve"):
        same = {"once": f"{way}-of-this-page", "amount": "10", "ref_id": f"R-{way}", "reason": ""}
        for _ in range(2):
            assert (
                visitor.send(f"/budgets/{budget}/{way}", seen="/budgets", **same).status_code == 303
            )
    assert balance(api, budget) == ("5010.00", "10.00", "10.00", "4990.00")


def test_a_transfer_that_is_asked_for_twice_waits_once(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    giving = make_budget("100")
    make_budget("50", department="Legal")
    rule = {"name": "Ask", "auto_approve_up_to": "10", "covers": "transfers"}
    assert api.post("/approval-rules", rule).status_code == 201
    same = {
        "once": "this-form", "amount": "30", "department": "Legal", "sub_category": "Software",
        "fiscal_period": "FY2025", "reason": "trips",
    }  # fmt: skip
    path = f"/budgets/{giving}/transfer"
    for _ in range(2):
        assert visitor.send(path, seen="/budgets", **same).status_code == 303
    assert visitor.send(path, seen="/budgets", **same | {"amount": "40"}).status_code == 422
    (asked,) = api.get("/transfer-requests").get_json()["data"]
    assert asked["amount"] == "30.00"


def test_a_reference_that_was_used_before_says_so(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    send(visitor, budget, "reserve", amount="10", ref_id="PO-1")
    assert api.post("/reservations/PO-1/release", {}).status_code == 200
    visitor.get(f"/budgets/{budget}")
    assert send(visitor, budget, "reserve", amount="10", ref_id="PO-1").status_code == 303
    said = "PO-1 stands for 10.00 USD already, which are released; nothing was posted again."
    assert said in plain(visitor.get(f"/budgets/{budget}").text)
    assert balance(api, budget)[3] == "100.00"


@pytest.mark.parametrize("way", ["reserve", "charge"])
def test_more_than_there_is_is_refused_and_may_be_passed_with_a_reason(
    visitor: Visitor, make_visitor: MakeVisitor, api: Api, make_budget: MakeBudget, way: str
) -> None:
    budget = make_budget("100")
    refused = send(visitor, budget, way, amount="150", ref_id="PO-9")
    assert refused.status_code == 409
    assert "Only 100.00 USD of the budget is available." in plain(refused.text)
    assert 'value="150"' in refused.text
    assert 'name="override"' in refused.text
    member = make_visitor("member")
    assert 'name="override"' not in send(member, budget, way, amount="150", ref_id="PO-9").text
    forced = send(member, budget, way, amount="150", ref_id="PO-9", override="because")
    assert forced.status_code == 403
    passed = send(visitor, budget, way, amount="150", ref_id="PO-9", override="agreed")
    assert passed.status_code == 303
    assert balance(api, budget)[3] == "-50.00"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"amount": "1,5", "ref_id": "A"}, "amount"), ({"amount": "-1", "ref_id": "A"}, "amount"),
        ({"amount": "1.005", "ref_id": "A"}, "amount"), ({"amount": "1", "ref_id": ""}, "ref_id"),
        ({"amount": "1", "ref_id": "A", "expires_on": "soon"}, "expires_on"),
        ({"amount": "1", "ref_id": "A", "expires_on": "9999-12-31"}, "expires_on"),
        ({"amount": "1", "ref_id": "A", "expires_on": "2020-01-31"}, "expires_on"),
        ({"amount": "1", "ref_id": "A", "expires_on": "0001-01-01"}, "expires_on"),
        ({"amount": "1", "ref_id": "A", "expires_on": "9999-12-30"}, "expires_on"),
        ({"amount": "1", "ref_id": "a\0b"}, "ref_id"),
        ({"amount": "1", "ref_id": "2026/PO-1"}, "ref_id"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(
    visitor: Visitor, api: Api, make_budget: MakeBudget, typed: dict[str, str], field: str
) -> None:
    budget = make_budget("100")
    refused = send(visitor, budget, "reserve", **typed)
    assert refused.status_code == 422
    assert f'id="{field}-wrong"' in refused.text
    assert balance(api, budget)[3] == "100.00"


@pytest.mark.parametrize(
    ("language", "typed", "budgeted"),
    [("en", "1,250", "1350.00"), ("en", "1.250", "101.25"), ("de", "1.250", None),
     ("de", "1,250", None), ("de", "1,250.50", "1350.50"), ("de", "1250", "1350.00"),
     ("de-CH", "1,250", "1350.00"), ("fr", "1 250", "1350.00"), ("fr", "1.2500", "101.25")],
)  # fmt: skip
def test_an_amount_that_means_two_things_where_one_comes_from_is_refused(
    visitor: Visitor, api: Api, make_budget: MakeBudget,
    language: str, typed: str, budgeted: str | None,
) -> None:  # fmt: skip
    budget = make_budget("100")
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    sent = send(visitor, budget, "topup", amount=typed)
    assert sent.status_code == (303 if budgeted else 422)
    if not budgeted:
        assert "Write 1250 or 1.2500, so that it is clear." in sent.text
    assert balance(api, budget)[0] == (budgeted or "100.00")


def test_money_moves_to_a_budget_that_is_named(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    giving = make_budget("100")
    taking = make_budget("50", department="Legal", sub_category="Travel")
    make_budget("50", "ZWG", department="Sales")
    to = {"department": " legal", "sub_category": "TRAVEL", "reason": "more trips"}
    assert send(visitor, giving, "transfer", amount="30", **to).status_code == 303
    assert (balance(api, giving)[0], balance(api, taking)[0]) == ("70.00", "80.00")
    for wrong in (
        {"department": "Nobody"}, {"department": "Sales", "sub_category": "Software"},
        {"sub_category": ""}, {"fiscal_period": "FY1999"}, {"reason": ""}, {"amount": "1000"},
        {"department": "Engineering", "sub_category": "Software"},
    ):  # fmt: skip
        refused = send(visitor, giving, "transfer", **{"amount": "1", **to, **wrong})
        assert refused.status_code in (409, 422), wrong
        assert "Nothing was changed." in refused.text
    assert balance(api, giving)[0] == "70.00"


def test_a_transfer_above_the_rule_waits_for_somebody_else(
    visitor: Visitor, make_visitor: MakeVisitor, api: Api, make_budget: MakeBudget
) -> None:
    giving, taking = make_budget("100"), make_budget("50", department="Legal")
    rule = {"name": "Ask", "auto_approve_up_to": "10", "covers": "transfers"}
    assert api.post("/approval-rules", rule).status_code == 201
    to = {"department": "Legal", "sub_category": "Software", "reason": "trips"}
    for amount in ("30", "20"):
        assert send(visitor, giving, "transfer", amount=amount, **to).status_code == 303
    assert "waits until somebody else" in visitor.get(f"/budgets/{giving}").text
    assert balance(api, giving)[0] == "100.00"
    asked = [one["id"] for one in api.get("/transfer-requests").get_json()["data"]]
    page = visitor.get("/transfers").text
    assert page.count(">Take it back</button>") == 2
    assert ">Approve</button>" not in page
    own = visitor.send(f"/transfers/{asked[1]}/approve", seen="/budgets")
    assert own.status_code == 403
    assert make_visitor("member").send(f"/transfers/{asked[1]}/approve").status_code == 403
    other = make_visitor("approver")
    assert ">Approve</button>" in other.get("/transfers").text
    done = other.send(f"/transfers/{asked[1]}/approve", seen="/budgets", reason="fine")
    assert done.status_code == 303
    assert (balance(api, giving)[0], balance(api, taking)[0]) == ("70.00", "80.00")
    late = other.send(f"/transfers/{asked[1]}/reject", seen="/budgets")
    assert late.status_code == 409
    assert "The transfer was approved already." in late.text
    assert "It still waits" not in late.text
    assert other.send(f"/transfers/{asked[0]}/reject", seen="/budgets").status_code == 303
    assert "Mia Member" in other.get("/transfers", state="rejected").text
    assert balance(api, giving)[0] == "70.00"


def test_who_may_not_sees_no_button(
    visitor: Visitor, make_visitor: MakeVisitor, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    ways = ("reserve", "charge", "topup", "transfer")
    shown = {"admin": ways, "member": ways[:2], "auditor": ()}
    for role, offered in shown.items():
        one = make_visitor(role)
        html = one.get(f"/budgets/{budget}").text
        assert [way for way in ways if f"/budgets/{budget}/{way}" in html] == list(offered)
        for way in ways:
            assert one.get(f"/budgets/{budget}/{way}").status_code == (
                200 if way in offered else 403
            )
