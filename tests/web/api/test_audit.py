"""Questions of an auditor over the API."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import python_calamine

from bursar.database import Database
from bursar.tenants import create_tenant
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget


def hold(api: Api, budget: object, ref: str, amount: str = "100") -> None:
    body = {"amount": amount, "currency": "USD", "ref_id": ref}
    assert api.post(f"/budgets/{budget}/reservations", body).status_code == 201


def all_pages(api: Api, path: str, **query: Any) -> list[dict[str, Any]]:
    found, cursor = [], None
    while True:
        page = api.get(path, **query, **({"cursor": cursor} if cursor else {})).get_json()
        found += page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_a_reference_tells_the_whole_life_of_a_hold_in_order(
    api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    hold(api, budget, "po-1")
    hold(api, budget, "po-2")
    api.post("/reservations/po-1/charge", {"amount": "30"})
    api.post("/reservations/po-2/charge", {})
    api.post("/reservations/po-1/release", {})
    for limit in (1, 2, 50):
        found = all_pages(api, "/ledger", ref_id="po-1", limit=limit)
        assert [(e["kind"], e["amount"]) for e in found] == [
            ("reserve", "100.00"), ("charge", "30.00"), ("release", "70.00"),
        ]  # fmt: skip
        assert {e["budget_id"] for e in found} == {str(budget)}
    assert sum(Decimal(e["delta_used"]) for e in found) == 30
    assert api.get("/ledger", ref_id="po-1", ref_type="other").get_json()["data"] == []


def test_a_reference_over_several_budgets_loses_nothing_between_pages(
    api: Api, make_budget: MakeBudget, superuser: psycopg.Connection
) -> None:
    """Entries of one moment, and of one number within their accounts, are still told apart."""
    budgets = [make_budget("10", department=f"D{n}") for n in range(5)]
    superuser.execute(
        "insert into ledger_entry (tenant_id, account_id, seq, recorded_at, kind, from_bucket,"
        " to_bucket, amount, ref_type, ref_id, actor, hash)"
        " select tenant_id, id, n, now(), 'transfer_in', 'external', 'available', 1, 'transfer',"
        " 't-1', 'test', '' from budget_account, generate_series(2, 4) n where budget_id = any(%s)",
        (budgets,),
    )
    superuser.commit()
    found = all_pages(api, "/ledger", ref_id="t-1", ref_type="transfer", limit=4)
    assert len({(e["budget_id"], e["seq"]) for e in found}) == len(found) == 15


def test_pages_of_a_budget_stay_as_they_are_while_entries_are_added(
    api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    for n in range(6):
        hold(api, budget, f"r{n}", "1")
    first = api.get("/ledger", budget_id=budget, limit=3).get_json()
    hold(api, budget, "late", "1")
    rest = all_pages(api, "/ledger", budget_id=budget, limit=3)
    second = api.get("/ledger", budget_id=budget, limit=3, cursor=first["next_cursor"]).get_json()
    assert [e["ref_id"] for e in first["data"]] == ["r5", "r4", "r3"]
    assert [e["ref_id"] for e in second["data"]] == ["r2", "r1", "r0"]
    assert len(rest) == 8
    assert api.get("/ledger", budget_id=budget, **{"from": "2001-01-01", "to": "2001-12-31"}
                   ).get_json()["data"] == []  # fmt: skip


def test_what_names_nothing_is_refused(api: Api) -> None:
    assert code_of(api.get("/ledger")) == (422, "invalid_input")
    for path in ("/ledger", "/ledger/export", "/reports/daily"):
        assert code_of(api.get(path, budget_id=uuid4())) == (404, "not_found")
    long = {"from": "1990-01-01", "to": "2020-01-01"}
    assert code_of(api.get("/reports/daily", **long)) == (422, "invalid_input")


def test_daily_sums_equal_the_entries(
    api: Api, make_budget: MakeBudget, superuser: psycopg.Connection
) -> None:
    usd, zwg = make_budget("1000"), make_budget("700", currency="ZWG")
    for n in range(20):
        hold(api, usd, f"r{n}", f"{n + 1}.25")
    api.post("/reservations/r3/charge", {})
    superuser.execute("set local session_replication_role = replica")
    superuser.execute(
        "update ledger_entry e set recorded_at = now() - seq * interval '7 hours',"
        " effective_at = now() - seq * interval '9 hours' from budget_account a"
        " where a.id = e.account_id and a.budget_id = any(%s)", ([usd, zwg],),
    )  # fmt: skip
    superuser.commit()
    query = {"from": "2020-01-01"}
    exported = []
    for budget in (usd, zwg):
        exported += api.get("/ledger/export", budget_id=budget, **query).get_json()["data"]
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for entry in exported:
        key = (entry["effective_at"][:10], entry["currency"], entry["kind"])
        sums[key] += Decimal(entry["amount"])
    # Three years at most, so not from 2020.
    rows = api.get("/reports/daily", **{"from": exported[0]["effective_at"][:10]}).get_json()
    found = {(r["day"], r["currency"], r["kind"]): Decimal(r["amount"]) for r in rows["data"]}
    assert found == sums
    assert sum(r["entries"] for r in rows["data"]) == 23
    alone = api.get("/reports/daily", budget_id=zwg, **{"from": exported[0]["effective_at"][:10]})
    assert [(r["kind"], r["amount"]) for r in alone.get_json()["data"]] == [("fund", "700.00")]


def test_discrepancies_are_empty_until_a_counter_drifts(
    api: Api, make_budget: MakeBudget, superuser: psycopg.Connection
) -> None:
    budgets = [make_budget("1000", department=f"D{n}") for n in range(5)]
    assert api.get("/reports/discrepancies").get_json() == {"data": [], "next_cursor": None}
    superuser.execute(
        "update budget_account set spent = spent + 5 where budget_id = any(%s)", (budgets[:3],)
    )
    superuser.commit()
    found = all_pages(api, "/reports/discrepancies", limit=2)
    assert {UUID(row["budget_id"]) for row in found} == set(budgets[:3])
    assert {(row["discrepancy"], row["stored"]["spent"], row["derived"]["spent"]) for row in found
            } == {("5.00", "5.00", "0.00")}  # fmt: skip


def test_entries_are_exported_whole(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    for n in range(120):
        hold(api, budget, f"=cmd{n}", "1.50")
    as_json = api.get("/ledger/export", range="today").get_json()["data"]
    assert [e["seq"] for e in as_json] == list(range(1, 122))
    text = api.get("/ledger/export", range="today", format="csv").data.decode("utf-8-sig")
    as_csv = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["ref_id"] for row in as_csv[1:]] == [f"'=cmd{n}" for n in range(120)]
    assert [row["amount"] for row in as_csv] == [e["amount"] for e in as_json]
    content = api.get("/ledger/export", budget_id=budget, format="xlsx").data
    _, *as_xlsx = (
        python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        .get_sheet_by_name("Entries").to_python()
    )  # fmt: skip
    assert [row[11] for row in as_xlsx[1:]] == [f"=cmd{n}" for n in range(120)]
    assert {row[8] for row in as_xlsx} == {1000, 1.5}


def test_a_stranger_finds_nothing(
    database: Database, api: Api, make_api: MakeApi, make_budget: MakeBudget
) -> None:
    hold(api, make_budget("1000"), "po-1")
    stranger = make_api("admin", create_tenant(database, "Stranger"))
    assert stranger.get("/ledger", ref_id="po-1").get_json()["data"] == []
    for path in ("/ledger/export", "/reports/daily", "/reports/tenant"):
        assert stranger.get(path).get_json()["data"] == []


@pytest.mark.parametrize("cursor", ["x", "W10=", "WyItc2VxIl0=", "WyItc2VxIiwgIjEiLCAiMiJd"])
def test_a_cursor_of_another_list_is_refused(
    api: Api, make_budget: MakeBudget, cursor: str
) -> None:
    refused = api.get("/ledger", budget_id=make_budget("1"), cursor=cursor)
    assert code_of(refused) == (422, "invalid_cursor")


def test_the_periods_of_a_budget_are_all_shown(api: Api, make_budget: MakeBudget) -> None:
    budget = make_budget("1000")
    for n in range(3):
        body = {"amount": "1", "currency": "USD", "ref_id": f"charge {n}"}
        assert api.post(f"/budgets/{budget}/charges", body).status_code == 201
    assert api.post(f"/budgets/{budget}/reset", {"rollover": "carry_unspent"}).status_code == 200
    kinds = ["carry_in", "fund", "carry_out", "charge", "charge", "charge", "fund"]
    for limit in (1, 2, 3, 50):
        found = all_pages(api, "/ledger", budget_id=budget, limit=limit)
        assert [entry["kind"] for entry in found] == kinds
