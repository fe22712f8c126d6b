"""The check on a page: what it answers, and what it says of bad input."""

from __future__ import annotations

import pytest

from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain

ASKED = {"department": "Ops", "sub_category": "Fuel", "fiscal_period": "FY2025"}


@pytest.mark.parametrize(
    ("amount", "answer", "why"),
    [
        ("10", "Yes", "It fits"),
        ("6,000.00", "Somebody has to approve", "above the amount"),
        ("20000", "No", "does not have enough available"),
    ],
)
def test_it_answers_in_words(
    visitor: Visitor, make_budget: MakeBudget, amount: str, answer: str, why: str
) -> None:
    make_budget("10000", department="Ops", sub_category="Fuel")
    text = plain(visitor.send("/check", seen="/check", **ASKED, amount=amount).text)
    assert f" {answer} " in text
    assert why in text
    assert "Available now 10,000.00 USD" in text


def test_it_names_the_department_s_own_budget_and_none(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    make_budget("10", department="Ops", sub_category=None)
    text = plain(visitor.send("/check", seen="/check", **ASKED, amount="5").text)
    assert "the department's own" in text
    none = visitor.send("/check", seen="/check", **ASKED | {"department": "X"}, amount="5").text
    assert "There is no budget for this department and period." in none


@pytest.mark.parametrize(
    "wrong", [{"amount": "abc"}, {"amount": "-5"}, {"fiscal_period": "someday"}, {"currency": "??"}]
)
def test_bad_input_is_said_and_kept(visitor: Visitor, wrong: dict[str, str]) -> None:
    typed = {**ASKED, "amount": "5", "currency": "USD", **wrong}
    answer = visitor.send("/check", seen="/check", **typed)
    assert answer.status_code == 422
    assert 'value="Ops"' in answer.text


def test_who_may_not_check_is_refused(make_visitor: MakeVisitor) -> None:
    assert make_visitor("auditor").get("/check").status_code == 403
