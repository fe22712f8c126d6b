"""The list of budgets: its order, its files, and what is said where it has an end."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal

import pytest
from python_calamine import CalamineWorkbook

from bursar.budgets import listing
from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import Visitor
from tests.web.pages.test_dashboard import plain


def test_heads_of_the_table_sort_and_turn(visitor: Visitor, make_budget: MakeBudget) -> None:
    for amount, name in (("5", "A"), ("700", "B"), ("60", "C")):
        make_budget(amount, department=name)

    def order(**query: str) -> list[str]:
        return re.findall(
            r'<th scope="row"><a [^>]+>([ABC])\b', visitor.get("/budgets", **query).text
        )

    html = visitor.get("/budgets").text
    assert 'aria-sort="ascending"' in html
    assert order() == ["A", "B", "C"]
    assert order(sort="-department") == ["C", "B", "A"]
    assert order(sort="-budgeted_amount") == ["B", "C", "A"]
    assert order(sort="available") == ["A", "C", "B"]
    assert "?sort=-department" in html
    turned = visitor.get("/budgets", sort="available", department="A").text
    assert "?department=A&amp;sort=-available" in turned


def test_the_list_comes_as_a_file_with_exact_amounts(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    make_budget("0.10", department="=cmd()")
    budget = make_budget("1234567890.12", department="Ops")
    api.post(
        f"/budgets/{budget}/reservations", {"amount": "0.12", "currency": "USD", "ref_id": "r"}
    )
    answer = visitor.get("/budgets/export.csv", department="ops")
    assert "'=cmd()" in visitor.get("/budgets/export.csv").text
    (row,) = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (row["budget_id"], row["budgeted_amount"]) == (str(budget), "1234567890.12")
    assert (row["reserved"], row["available"]) == ("0.12", "1234567890.00")
    book = CalamineWorkbook.from_filelike(io.BytesIO(visitor.get("/budgets/export.xlsx").data))
    head, *rows = book.get_sheet_by_name("Budgets").to_python()
    found = [dict(zip(head, one, strict=True)) for one in rows]
    assert [one["department"] for one in found] == ["=cmd()", "Ops"]  # as text
    assert [Decimal(str(one["budgeted_amount"])) for one in found] == [
        Decimal("0.1"), Decimal("1234567890.12"),
    ]  # fmt: skip


def test_too_many_to_sort_is_said_with_a_way_on(
    visitor: Visitor, make_budget: MakeBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SORTED", 1)
    for name in ("A", "B"):
        make_budget("5", department=name)
    answer = visitor.get("/budgets", sort="-available")
    assert answer.status_code == 422
    assert "More than 1 budgets fit" in answer.text
    assert "sort by department" in answer.text


def test_the_dashboard_is_drawn_anew_only_when_something_changed(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")

    def seen() -> str:
        found = re.search(r'data-seen="(\w+)"', visitor.get("/").text)
        assert found is not None
        return found[1]

    first = seen()
    assert visitor.get("/live", seen=first).status_code == 204
    api.post(f"/budgets/{budget}/reservations", {"amount": "40", "currency": "USD", "ref_id": "r"})
    changed = visitor.get("/live", seen=first)
    while changed.status_code == 204:  # a second at most, as it is remembered
        changed = visitor.get("/live", seen=first)
    assert re.search(r"Available 60\.00 USD", plain(changed.text))
    assert "<html" not in changed.text
