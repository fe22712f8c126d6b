"""An import is taken back, and what was built on it since stays."""

from typing import Any
from uuid import UUID

import pytest

from bursar.database import Database
from bursar.proof.reconcile import broken_budgets
from tests.api_client import Api, code_of
from tests.web.api.conftest import Imports

HEAD = "Department,Sub Category,Fiscal Year,Budget\n"


def file_of(count: int, amount: int = 100) -> bytes:
    rows = [f"Ops,Line {n:04d},FY2025,{amount}.00\n" for n in range(count)]
    return (HEAD + "".join(rows)).encode()


def budget(api: Api, name: str) -> dict[str, Any]:
    (found,) = api.get("/budgets", sub_category=name).get_json()["data"]
    one: dict[str, Any] = found
    return one


def spend(api: Api, name: str, amount: str = "10") -> None:
    place = f"/budgets/{budget(api, name)['id']}/reservations"
    held = api.post(place, {"amount": amount, "currency": "USD", "ref_id": f"po-{name}"})
    assert held.status_code == 201, held.text
    assert api.post(f"/reservations/po-{name}/charge", {}).status_code == 200


def edit(api: Api, name: str, **changes: str) -> None:
    found = budget(api, name)
    changed = api.patch(f"/budgets/{found['id']}", changes, found["version"])
    assert changed.status_code == 200, changed.text


def count(api: Api) -> int:
    listed, cursor, total = None, None, 0
    while listed is None or cursor:
        query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        listed = api.get("/budgets", **query).get_json()
        total, cursor = total + len(listed["data"]), listed["next_cursor"]
    return total


def test_a_thousand_rows_go_back_but_for_the_two_that_were_worked_on(
    imports: Imports, api: Api, database: Database, tenant_id: UUID
) -> None:
    run = imports.send(file_of(1000))
    edit(api, "Line 0007", budgeted_amount="150.00")
    spend(api, "Line 0009")
    seen = api.get(f"/imports/{run['id']}/undo").get_json()
    assert (seen["reverted"], seen["kept"]) == (998, 2)
    undone = imports.act(run["id"], "undo")
    assert undone["state"] == "undone"
    assert (undone["undo"]["reverted"], undone["undo"]["kept"]) == (998, 2)
    assert [(k["sub_category"], k["reason"]) for k in undone["undo"]["kept_budgets"]] == [
        ("Line 0007", "amount_edited"),
        ("Line 0009", "spent"),
    ]
    assert count(api) == 2
    with database.transaction(tenant_id) as session:
        assert broken_budgets(session, tenant_id) == []


def test_a_changed_budget_goes_back_to_exactly_what_it_was(imports: Imports, api: Api) -> None:
    first = imports.send(file_of(3), "a.csv")
    before = {n: budget(api, f"Line {n:04d}")["budgeted_amount"] for n in range(3)}
    second = imports.send(file_of(5, 250), "b.csv")
    assert second["counts"]["updated"] == 3
    imports.act(second["id"], "undo")
    after = {n: budget(api, f"Line {n:04d}") for n in range(3)}
    assert {n: b["budgeted_amount"] for n, b in after.items()} == before
    assert {b["import_id"] for b in after.values()} == {first["id"]}
    assert count(api) == 3
    imports.act(first["id"], "undo")
    assert count(api) == 0


def test_what_a_later_import_changed_is_kept(imports: Imports, api: Api) -> None:
    first = imports.send(file_of(2), "a.csv")
    imports.send(file_of(1, 250), "b.csv")
    undone = imports.act(first["id"], "undo")
    assert [k["reason"] for k in undone["undo"]["kept_budgets"]] == ["imported"]
    assert budget(api, "Line 0000")["budgeted_amount"] == "250.00"
    assert count(api) == 1


def test_words_that_somebody_wrote_on_a_budget_keep_it(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(2))
    edit(api, "Line 0001", owner="Mia")
    undone = imports.act(run["id"], "undo")
    assert [k["reason"] for k in undone["undo"]["kept_budgets"]] == ["edited"]
    assert budget(api, "Line 0001")["owner"] == "Mia"


def test_mended_rows_go_back_with_their_import(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(9) + b"Ops,Bad,FY2025,lots\nOps,Line 0000,FY2025,x\n",
                       mode="skip_errors")  # fmt: skip
    mended = imports.rejected(run["id"]).replace(b"lots", b"5").replace(b",x,", b",7,")
    assert imports.mend(run["id"], mended)["state"] == "completed"
    assert budget(api, "Line 0000")["budgeted_amount"] == "107.00"
    undone = imports.act(run["id"], "undo")
    assert (undone["state"], undone["undo"]["reverted"], undone["undo"]["kept"]) == (
        "undone", 10, 0,
    )  # fmt: skip
    assert count(api) == 0


def test_an_undone_file_can_be_imported_again(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(3))
    imports.act(run["id"], "undo")
    again = imports.send(file_of(3))
    assert (again["state"], again["counts"]["created"]) == ("completed", 3)
    assert count(api) == 3


def test_when_nothing_can_go_back_the_import_stays_and_says_why(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(1))
    spend(api, "Line 0000")
    stayed = imports.act(run["id"], "undo")
    assert stayed["state"] == "completed"
    assert stayed["error"]["code"] == "invalid_import_state"


@pytest.mark.parametrize("form", [{"apply": "false"}, {"mode": "all_or_nothing"}])
def test_an_import_that_loaded_nothing_cannot_be_undone(
    imports: Imports, api: Api, form: dict[str, str]
) -> None:
    run = imports.send(file_of(9) + b"Ops,Bad,FY2025,lots\n", **form)
    assert code_of(api.post(f"/imports/{run['id']}/undo")) == (409, "invalid_import_state")
    assert code_of(api.get(f"/imports/{run['id']}/undo")) == (409, "invalid_import_state")


def test_an_import_is_undone_once(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(2))
    imports.act(run["id"], "undo")
    assert code_of(api.post(f"/imports/{run['id']}/undo")) == (409, "invalid_import_state")


MENDABLE = file_of(9) + b"Ops,Line 0000,FY2025,lots\n"


def test_work_between_the_load_and_the_mending_is_kept(imports: Imports, api: Api) -> None:
    run = imports.send(MENDABLE, mode="skip_errors")
    spend(api, "Line 0000")
    edit(api, "Line 0001", budgeted_amount="500.00")
    mended = imports.rejected(run["id"]).replace(b"lots", b"50")
    assert imports.mend(run["id"], mended)["state"] == "completed"
    undone = imports.act(run["id"], "undo")
    assert [k["reason"] for k in undone["undo"]["kept_budgets"]] == ["spent", "amount_edited"]
    assert budget(api, "Line 0000")["budgeted_amount"] == "150.00"
    assert budget(api, "Line 0001")["budgeted_amount"] == "500.00"


def test_an_import_that_only_mending_completed_is_undone_as_a_whole(
    imports: Imports, api: Api
) -> None:
    run = imports.send(MENDABLE)
    mended = imports.rejected(run["id"]).replace(b"lots", b"50")
    assert imports.mend(run["id"], mended)["state"] == "completed"
    undone = imports.act(run["id"], "undo")
    assert (undone["state"], undone["undo"]["reverted"]) == ("undone", 9)
    assert count(api) == 0
    assert code_of(api.upload(f"/imports/{run['id']}/rejected", mended)) == (
        409, "invalid_import_state",
    )  # fmt: skip


def test_after_an_undo_that_kept_something_the_older_file_means_something(
    imports: Imports, api: Api
) -> None:
    older = imports.send(file_of(2), "a.csv")
    newer = imports.send(file_of(2, 250), "b.csv")
    spend(api, "Line 0000")
    imports.act(newer["id"], "undo")
    assert budget(api, "Line 0000")["budgeted_amount"] == "250.00"
    again = imports.send(file_of(2), "a.csv")
    assert (again["duplicate_of"], again["counts"]["updated"]) == (None, 1)
    assert budget(api, "Line 0000")["budgeted_amount"] == "100.00"
    assert older["id"] != again["id"]
