"""Budgets over the API."""

import base64
import json
from decimal import Decimal
from itertools import chain
from typing import Any
from uuid import uuid4

import pytest

from bursar.budgets import listing
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget

NEW = {
    "department": "Engineering",
    "sub_category": "Software",
    "fiscal_period": "FY25",
    "budgeted_amount": "1234.50",
    "currency": "USD",
}


def make(api: Api, **changes: Any) -> Any:
    response = api.post("/budgets", NEW | changes)
    assert response.status_code == 201, response.text
    return response.get_json()


def test_a_new_budget_comes_back_with_its_money_as_text(api: Api) -> None:
    response = api.post("/budgets", NEW)
    body = response.get_json()
    assert response.headers["Location"] == f"/api/v1/budgets/{body['id']}"
    assert response.headers["ETag"] == f'"{body["version"]}-{body["budgeted_amount"]}"'
    assert body["fiscal_period"] == "FY2025"
    assert (body["budgeted_amount"], body["available"], body["currency"]) == (
        "1234.50", "1234.50", "USD",
    )  # fmt: skip
    assert api.get(f"/budgets/{body['id']}").get_json() == body


def test_a_json_number_is_read_as_decimal_text(api: Api) -> None:
    assert make(api, budgeted_amount=0.1)["budgeted_amount"] == "0.10"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"budgeted_amount": "NaN"}, "invalid_amount"),
        ({"budgeted_amount": "Infinity"}, "invalid_amount"),
        ({"budgeted_amount": 0.123}, "invalid_amount"),
        ({"budgeted_amount": "1e99"}, "invalid_amount"),
        ({"budgeted_amount": "1_000"}, "invalid_amount"),
        ({"budgeted_amount": True}, "invalid_input"),
        ({"currency": "XXX"}, "unknown_currency"),
        ({"currency": "EUR"}, "currency_not_allowed"),
        ({"currency": "usd"}, "invalid_input"),
        ({"fiscal_period": "sometime"}, "invalid_input"),
        ({"department": " "}, "invalid_input"),
        ({"departement": "typo"}, "invalid_input"),
    ],
)
def test_a_wrong_budget_is_refused_by_name(api: Api, change: dict[str, Any], code: str) -> None:
    assert code_of(api.post("/budgets", NEW | change)) == (422, code)


def test_nan_as_a_json_constant_is_refused(api: Api) -> None:
    response = api.call(
        "POST", "/budgets", data='{"budgeted_amount": NaN}', content_type="application/json"
    )
    assert response.status_code == 422


def test_the_same_budget_twice_is_a_conflict(api: Api) -> None:
    make(api)
    assert code_of(api.post("/budgets", NEW | {"department": "  ENGINEERING "})) == (
        409, "duplicate_budget",
    )  # fmt: skip


def test_an_update_needs_the_version_that_was_read(api: Api) -> None:
    budget = make(api)
    path = f"/budgets/{budget['id']}"
    assert code_of(api.patch(path, {"owner": "Ana"}, None)) == (428, "version_required")
    changed = api.patch(path, {"owner": "Ana"}, budget["version"])
    assert changed.status_code == 200
    assert changed.get_json()["owner"] == "Ana"
    stale = api.patch(path, {"owner": "Bo"}, budget["version"])
    assert code_of(stale) == (412, "version_stale")
    assert stale.get_json()["current_version"] == changed.get_json()["version"]


def test_an_amount_that_a_posting_has_moved_is_not_overwritten(api: Api) -> None:
    budget = make(api)
    path = f"/budgets/{budget['id']}"
    read = {"headers": {"If-Match": api.get(path).headers["ETag"]}}
    late_grant = {"amount": "50", "currency": budget["currency"], "reason": "Late grant"}
    assert api.post(f"{path}/topup", late_grant).status_code == 201
    stale = api.call("PATCH", path, json={"budgeted_amount": "1000"}, **read)
    assert code_of(stale) == (412, "version_stale")
    assert stale.get_json()["current_version"] == budget["version"]
    assert stale.get_json()["current_amount"] == api.get(path).get_json()["budgeted_amount"]
    assert "read it again" in stale.get_json()["detail"].lower()
    # What the posting did not touch is changed all the same, and so is what was read anew.
    named = api.call("PATCH", path, json={"name": "Renamed"}, **read)
    assert named.status_code == 200
    anew = {"headers": {"If-Match": named.headers["ETag"]}}
    assert api.call("PATCH", path, json={"budgeted_amount": "1000"}, **anew).status_code == 200
    # A version by itself is taken at its word.
    last = api.get(path).get_json()["version"]
    assert api.patch(path, {"budgeted_amount": "900"}, last).status_code == 200


def test_what_must_be_there_cannot_be_emptied(api: Api) -> None:
    budget = make(api, owner="Ana")
    nothing = {"name": None, "status": None, "owner": None, "budgeted_amount": None}
    changed = api.patch(f"/budgets/{budget['id']}", nothing, budget["version"]).get_json()
    assert (changed["name"], changed["status"], changed["owner"]) == (
        "Engineering / Software", "active", None,
    )  # fmt: skip


def test_a_new_amount_is_posted_as_an_adjustment(api: Api) -> None:
    budget = make(api)
    path = f"/budgets/{budget['id']}"
    changed = api.patch(path, {"budgeted_amount": "1000"}, budget["version"]).get_json()
    assert changed["budgeted_amount"] == "1000.00"
    assert changed["version"] > budget["version"]
    kinds = [entry["kind"] for entry in api.get(f"{path}/ledger").get_json()["data"]]
    assert kinds == ["adjust", "fund"]


def test_a_deleted_budget_is_hidden_and_can_come_back(api: Api) -> None:
    budget = make(api)
    path = f"/budgets/{budget['id']}"
    assert api.call("DELETE", path).status_code == 204
    assert code_of(api.get(path)) == (404, "not_found")
    restored = api.post(f"{path}/restore")
    assert restored.status_code == 200
    assert restored.get_json()["budgeted_amount"] == "1234.50"


def test_a_budget_with_reservations_is_not_deleted(api: Api) -> None:
    budget = make(api)
    body = {"amount": "1", "currency": "USD", "ref_id": "r"}
    assert api.post(f"/budgets/{budget['id']}/reservations", body).status_code == 201
    assert code_of(api.call("DELETE", f"/budgets/{budget['id']}")) == (409, "budget_in_use")


def test_a_frozen_budget_takes_no_postings(api: Api) -> None:
    budget = make(api)
    api.patch(f"/budgets/{budget['id']}", {"status": "frozen"}, budget["version"])
    body = {"amount": "1", "currency": "USD", "ref_id": "r"}
    refused = api.post(f"/budgets/{budget['id']}/reservations", body)
    assert code_of(refused) == (409, "budget_frozen")


def test_pages_neither_skip_nor_repeat_while_rows_come_in(api: Api) -> None:
    for n in range(7):
        make(api, department=f"Department {n}")
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = api.get("/budgets", **query).get_json()
        seen += [row["department"] for row in page["data"]]
        make(api, department=f"Newcomer {len(seen)}")
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"Department {n}" for n in range(6, -1, -1)]


@pytest.mark.parametrize("sort", ["department", "-department", "budgeted_amount", "-available"])
def test_every_sort_walks_through_all(api: Api, sort: str) -> None:
    for n in range(5):
        make(api, department=f"Department {n}", budgeted_amount=str(10 - n // 2))
    seen: list[Any] = []
    cursor = None
    while True:
        query = {"limit": 2, "sort": sort} | ({"cursor": cursor} if cursor else {})
        page = api.get("/budgets", **query).get_json()
        seen += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    field = sort.lstrip("-")
    values = [Decimal(b[field]) if field != "department" else b[field] for b in seen]
    assert len({b["id"] for b in seen}) == 5
    assert values == sorted(values, reverse=sort.startswith("-"))


def test_filters_narrow(api: Api) -> None:
    make(api)
    make(api, department="Ops", sub_category=None)
    found = api.get("/budgets", department="engineering ").get_json()["data"]
    assert [b["department"] for b in found] == ["Engineering"]
    assert api.get("/budgets", q="op").get_json()["data"][0]["department"] == "Ops"
    assert api.get("/budgets", q="%").get_json()["data"] == []


def walk(api: Api, **query: Any) -> list[list[Any]]:
    """The departments of each page, to the end."""
    pages = []
    while True:
        page = api.get("/budgets", **query).get_json()
        pages.append([row["department"] for row in page["data"]])
        if page["next_cursor"] is None:
            return pages
        query["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("sort", ["department", "-department", "created_at", "fiscal_period"])
def test_a_search_goes_on_behind_what_it_looked_through(
    api: Api, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(listing, "SEARCHED", 3)
    for name in ("Sales A", "Sales B", "Ops A", "Ops B", "Ops C", "Ops D", "Sales C"):
        make(api, department=name)
    pages = walk(api, q="ales", sort=sort)
    assert sorted(chain(*pages)) == ["Sales A", "Sales B", "Sales C"]
    assert len(pages) == 3  # seven budgets, three looked through for each page
    assert sorted(chain(*walk(api, q="ales", sort=sort, limit=1))) == sorted(chain(*pages))
    assert walk(api, q="no such") == [[], [], []]


def test_no_more_are_sorted_by_an_amount_than_can_be(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SORTED", 2)
    for name in ("Sales", "Sales", "Ops"):
        make(api, department=name, sub_category=str(uuid4()))
    for sort in ("budgeted_amount", "-available"):
        assert code_of(api.get("/budgets", sort=sort)) == (422, "invalid_input")
        assert len(api.get("/budgets", sort=sort, department="sales").get_json()["data"]) == 2
        assert walk(api, sort=sort, department="sales", q="op") == [[]]


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"cursor": "WzEsMl0="}, {"sort": "secret"},
                                   {"limit": 0}, {"limit": 201}, {"kind": "x"}])  # fmt: skip
def test_a_wrong_list_query_is_refused(api: Api, query: dict[str, Any]) -> None:
    assert api.get("/budgets", **query).status_code == 422


def test_a_member_reads_but_does_not_edit(make_api: MakeApi) -> None:
    member = make_api("member")
    assert member.get("/budgets").status_code == 200
    assert code_of(member.post("/budgets", NEW)) == (403, "forbidden")


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


@pytest.mark.parametrize("path", ["/budgets", "/imports", "/jobs", "/alerts"])
@pytest.mark.parametrize(
    "text", ["x", "", "\0", "1e999999", "\ud800", "99999999999999999999", None, 5, []]
)
def test_a_forged_cursor_is_refused(api: Api, path: str, text: object) -> None:
    cursor = forged("-created_at", text, "0" * 32)
    assert code_of(api.get(path, cursor=cursor)) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    "raw", ["[" * 60_000, '{"a":' * 60_000, '{"amount": 1e999999999999999999}']
)
def test_json_that_is_out_of_reach_is_refused(api: Api, raw: str) -> None:
    response = api.call("POST", "/budgets", data=raw, content_type="application/json")
    assert response.status_code == 422


@pytest.mark.parametrize("version", ["²", "x", "9" * 12])
def test_a_version_that_is_no_version_is_refused(api: Api, version: str) -> None:
    budget = make(api)
    assert code_of(api.patch(f"/budgets/{budget['id']}", {"owner": "A"}, version))[0] == 422


def test_a_list_gives_only_the_fields_that_were_asked_for(
    api: Api, make_budget: MakeBudget
) -> None:
    make_budget("10")
    (found,) = api.get("/budgets", fields="department,available,currency").get_json()["data"]
    assert found == {"department": "Engineering", "available": "10.00", "currency": "USD"}
    refused = api.get("/budgets", fields="department,colour")
    assert code_of(refused) == (422, "invalid_input")
    assert refused.get_json()["errors"][0]["pointer"] == "/fields"
