"""Views of the list of budgets: kept, shared, changed, removed, and nobody else's."""

from __future__ import annotations

import re

import pytest

from bursar.budgets.views import MOST
from bursar.database import Database
from bursar.tenants import create_tenant
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor


def names(visitor: Visitor, **query: str) -> list[tuple[str, str]]:
    """The views that the list offers, with where each leads."""
    html = visitor.get("/budgets", **query).text
    found = re.findall(r'<a class="button quiet" href="/budgets\?([^"]*)"[^>]*>([^<]+?) *<', html)
    return [(name, address.replace("&amp;", "&")) for address, name in found]


def keep(visitor: Visitor, name: str, **wanted: str) -> int:
    return visitor.send("/budgets/views", seen="/budgets", name=name, **wanted).status_code


def test_a_view_is_kept_and_leads_back_to_the_same_list(
    visitor: Visitor, make_budget: MakeBudget
) -> None:
    make_budget("100", department="R&D, Labs")
    make_budget("100", department="Legal")
    wanted = {"department": "R&D, Labs", "sort": "-available"}
    page = visitor.get("/budgets", **wanted)
    assert "Keep this view" in page.text
    assert keep(visitor, "  My   labs ", **wanted) == 303
    assert names(visitor) == [("My labs", "department=R%26D%2C+Labs&sort=-available")]
    shown = visitor.client.get("/budgets?" + names(visitor)[0][1]).text
    assert "R&amp;D, Labs" in shown
    assert ">Legal<" not in re.sub(r"<option[^>]*>", "", shown.split('id="found"')[1])
    assert 'aria-current="true"' in shown
    assert "Keep this view" not in shown


def test_the_same_name_says_something_else_from_then_on(visitor: Visitor) -> None:
    assert keep(visitor, "Frozen", status="frozen") == 303
    assert keep(visitor, "FROZEN", status="frozen", period="FY2025") == 303
    assert names(visitor) == [("FROZEN", "period=FY2025&status=frozen")]


def test_shared_views_are_seen_by_all_and_removed_by_their_owner(
    visitor: Visitor, make_visitor: MakeVisitor, database: Database
) -> None:
    keep(visitor, "Mine", status="frozen")
    keep(visitor, "Ours", status="active", is_shared="yes")
    other = make_visitor("auditor")
    assert [name for name, _ in names(other)] == ["Ours"]
    assert "Remove the view" not in other.get("/budgets", status="active").text
    stranger = make_visitor(tenant=create_tenant(database, "Elsewhere"))
    assert names(stranger) == []
    html = visitor.get("/budgets", status="active").text
    path = re.search(r'action="(/budgets/views/[^"]+/remove)"', html)
    assert path is not None
    assert other.send(path[1], seen="/budgets").status_code == 404
    assert stranger.send(path[1], seen="/budgets").status_code == 404
    assert visitor.send(path[1], seen="/budgets").status_code == 303
    assert [name for name, _ in names(visitor)] == ["Mine"]
    assert visitor.send(path[1], seen="/budgets").status_code == 404


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("", {"q": "x"}), (" ", {"q": "x"}), ("x" * 81, {"q": "x"}), ("Nothing", {}),
     ("Other", {"cursor": "x", "evil": "y"}), ("a\0b", {"q": "x"}), ("NUL", {"q": "a\0b"})],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(
    visitor: Visitor, name: str, wanted: dict[str, str]
) -> None:
    assert keep(visitor, name, **wanted) == 422
    assert names(visitor) == []


def test_nobody_keeps_views_without_end(visitor: Visitor) -> None:
    for n in range(MOST):
        assert keep(visitor, f"View {n}", q=str(n)) == 303
    assert keep(visitor, "One more", q="x") == 422
    assert keep(visitor, "View 3", q="changed") == 303


def test_views_of_others_crowd_nobody_out(
    visitor: Visitor, make_visitor: MakeVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bursar.budgets.views.MOST", 1)
    for n in range(4):
        keep(make_visitor("member"), f"Ours {n}", status="active", is_shared="yes")
    keep(visitor, "Zero", status="frozen")
    assert [name for name, _ in names(visitor)] == ["Ours 0", "Ours 1", "Ours 2", "Zero"]


def test_texts_of_others_are_inert(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    keep(visitor, "<script>alert(1)</script>", q='"><img src=x>', is_shared="yes")
    html = make_visitor("member").get("/budgets").text
    assert "<script>alert" not in html
    assert "<img" not in html
