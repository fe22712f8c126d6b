"""A plan says what it would do beyond the amounts, and is held to it."""

from decimal import Decimal
from uuid import UUID

from bursar.database import Database
from bursar.telling import tell_noted
from tests.api_client import Api, code_of
from tests.web.api.conftest import Imports
from tests.web.api.test_undo import HEAD, budget

FIRST = (HEAD + "Engineering,Software,FY2025,10000\nOps,Fuel,FY2025,1000\n").encode()
LOWER = (HEAD + "Engineering,Software,FY2025,5000\nOps,Fuel,FY2025,1000\n").encode()


def prepared(
    imports: Imports, api: Api, amounts: tuple[str, ...] = ("2000", "2500", "1500")
) -> str:
    assert imports.send(FIRST, "first.csv")["state"] == "completed"
    found = str(budget(api, "Software")["id"])
    for n, amount in enumerate(amounts):
        held = {"amount": amount, "currency": "USD", "ref_id": f"po-{n}"}
        assert api.post(f"/budgets/{found}/reservations", held).status_code == 201
    return found


def test_a_plan_names_the_holds_that_would_be_short(imports: Imports, api: Api) -> None:
    prepared(imports, api)
    plan = imports.send(LOWER, "lower.csv", apply="false")
    below = plan["consequences"]["below_used"]
    assert (below["count"], below["blocking"]) == (1, 1)
    (short,) = below["budgets"]
    assert Decimal(short["short"]) == 1000
    assert sorted(hold["ref_id"] for hold in short["holds"]) == ["po-0", "po-1", "po-2"]
    assert plan["consequences"]["alerts"]["budgets"][0]["type"] == "threshold_exceeded"


def test_a_budget_with_strict_control_does_not_fall_below_what_is_used(
    imports: Imports, api: Api
) -> None:
    prepared(imports, api)
    plan = imports.send(LOWER, "lower.csv", apply="false")
    refused = api.post(f"/imports/{plan['id']}/apply")
    assert code_of(refused) == (409, "below_used")
    assert refused.get_json()["budgets"][0]["short"].startswith("1000")
    straight = imports.send(LOWER, "again.csv", mode="skip_errors")
    assert (straight["state"], straight["error"]["code"]) == ("failed", "below_used")
    assert budget(api, "Software")["budgeted_amount"] == "10000.00"


def test_it_does_where_somebody_allows_it(imports: Imports, api: Api) -> None:
    found = prepared(imports, api)
    plan = imports.send(LOWER, "lower.csv", apply="false")
    started = api.post(f"/imports/{plan['id']}/apply?allow_below_used=true")
    assert started.status_code == 202, started.text
    assert imports.finish(started.get_json())["state"] == "completed"
    assert budget(api, "Software")["available"] == "-1000.00"
    told = api.get(f"/budgets/{found}/utilization").get_json()
    assert told["hard_cap_approaching"]


def test_a_cap_that_an_import_crosses_raises_its_alert(
    imports: Imports, api: Api, database: Database, tenant_id: UUID
) -> None:
    prepared(imports, api, ("4500",))
    assert imports.send(LOWER, "lower.csv")["state"] == "completed"
    with database.transaction(tenant_id, "test") as session:
        tell_noted(session, tenant_id)
    (alert,) = api.get("/alerts").get_json()["data"]
    assert alert["type"] == "threshold_warning"


def test_use_that_comes_between_plan_and_apply_is_seen(imports: Imports, api: Api) -> None:
    found = prepared(imports, api, ("4000",))
    plan = imports.send(LOWER, "lower.csv", apply="false")
    assert plan["consequences"]["below_used"]["count"] == 0
    held = {"amount": "2000", "currency": "USD", "ref_id": "late"}
    assert api.post(f"/budgets/{found}/reservations", held).status_code == 201
    applied = imports.act(plan["id"], "apply")
    assert (applied["state"], applied["error"]["code"]) == ("failed", "below_used")
    assert budget(api, "Software")["budgeted_amount"] == "10000.00"


def test_a_plan_without_consequences_says_so(imports: Imports) -> None:
    plan = imports.send(FIRST, apply="false")
    assert plan["consequences"] == {
        "below_used": {"count": 0, "blocking": 0, "budgets": []},
        "alerts": {"count": 0, "budgets": []},
    }
