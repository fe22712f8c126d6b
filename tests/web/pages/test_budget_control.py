"""How a budget is controlled, on its page: the same as by the API, and refused as there."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain

NOWHERE = "01900000-0000-7000-8000-000000000000"


def send(visitor: Visitor, budget: UUID, **typed: str) -> Any:
    """What stands in the form, with what a person types over it."""
    html = visitor.get(f"/budgets/{budget}/control").text
    form = html[html.index('name="version"') - 30 :]
    kept = dict(re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form))
    kept["control_mode"] = re.search(r'<option value="(\w+)" selected', form)[1]  # type: ignore[index]
    return visitor.send(f"/budgets/{budget}/control", seen="/budgets", **kept | typed)


def test_limits_are_changed_as_by_the_api(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget, above = make_budget("1000"), make_budget("2000", department="All", sub_category="")
    typed = {
        "control_mode": "advisory", "soft_cap_percent": "50", "approach_percent": "92.5",
        "tolerance_percent": "5", "amount": "1,200", "parent": f"http://localhost/budgets/{above}",
    }  # fmt: skip
    assert send(visitor, budget, **typed).status_code == 303
    now = api.get(f"/budgets/{budget}/control").get_json()
    assert now["control_mode"] == "advisory"
    assert [float(now[f"{name}_percent"]) for name in ("soft_cap", "approach", "tolerance")] == [
        50, 92.5, 5,
    ]  # fmt: skip
    assert (now["hard_cap_amount"], now["parent_id"]) == ("1200.00", str(above))
    assert send(visitor, budget).status_code == 303  # as it stands
    assert send(visitor, budget, amount="", parent="").status_code == 303
    now = api.get(f"/budgets/{budget}/control").get_json()
    assert (now["hard_cap_amount"], now["parent_id"]) == (None, None)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("control_mode", "sometimes"), ("soft_cap_percent", "ninety"), ("approach_percent", "-1"),
        ("tolerance_percent", "10001"), ("tolerance_percent", ""), ("amount", "1,5"),
        ("parent", "the one above"), ("parent", NOWHERE), ("soft_cap_percent", "99"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(
    visitor: Visitor, api: Api, make_budget: MakeBudget, field: str, text: str
) -> None:
    budget = make_budget("1000")
    before = api.get(f"/budgets/{budget}/control").get_json()
    refused = send(visitor, budget, **{field: text})
    assert refused.status_code == 422
    assert f'id="{field}-wrong"' in refused.text
    assert api.get(f"/budgets/{budget}/control").get_json() == before


def test_a_budget_is_not_above_itself(visitor: Visitor, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    refused = send(visitor, budget, parent=str(budget))
    assert refused.status_code == 422
    assert "cannot stand below itself" in plain(refused.text)


def test_who_comes_second_is_told(visitor: Visitor, api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    html = visitor.get(f"/budgets/{budget}/control").text
    version = re.search(r'name="version" value="(\d+)"', html)[1]  # type: ignore[index]
    assert send(visitor, budget, tolerance_percent="7").status_code == 303
    told = send(visitor, budget, tolerance_percent="9", version=version)
    assert told.status_code == 412
    assert "tolerance 7 %" in plain(told.text)
    assert 'value="9"' in told.text
    assert float(api.get(f"/budgets/{budget}/control").get_json()["tolerance_percent"]) == 7


def test_only_who_may_fund_changes_limits(
    visitor: Visitor, make_visitor: MakeVisitor, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    assert f"/budgets/{budget}/control" in visitor.get(f"/budgets/{budget}").text
    member = make_visitor("member")
    assert f"/budgets/{budget}/control" not in member.get(f"/budgets/{budget}").text
    assert member.get(f"/budgets/{budget}/control").status_code == 403
