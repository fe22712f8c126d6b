"""A budget's number leads back to the cells it came from."""

import hashlib
import io

import pytest
import xlsxwriter

from bursar.importing.lineage import letters
from tests.api_client import Api
from tests.web.api.conftest import Imports


@pytest.mark.parametrize(
    ("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")]
)
def test_columns_are_named_as_spreadsheets_do(index: int, name: str) -> None:
    assert letters(index) == name


def test_a_number_leads_to_file_sheet_row_and_cell(imports: Imports, api: Api) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.add_worksheet("Notes").write(0, 0, "Nothing here")
        sheet = book.add_worksheet("Plan")
        sheet.write(0, 0, "Budget of the harbour")
        sheet.write_row(2, 0, ["Department", "Line item", "Q1 2026", "Q2 2026", "Q3 2026"])
        for n in range(4):
            sheet.write_row(3 + n, 0, [f"Dept {n}", "Supplies", 10 + n, 20 + n, 30 + n])
    run = imports.send(made.getvalue(), "q3.xlsx")
    assert run["state"] == "completed", run
    (budget,) = api.get("/budgets", department="Dept 2", fiscal_period="FY2026-Q3").get_json()[
        "data"
    ]
    (source,) = api.get(f"/budgets/{budget['id']}/lineage").get_json()["data"]
    assert (source["file_name"], source["sheet"], source["cell"]) == ("q3.xlsx", "Plan", "E6")
    assert source["sha256"] == hashlib.sha256(made.getvalue()).hexdigest()
    assert (source["amount"], source["currency"], source["import_id"]) == (
        "32.00",
        "USD",
        run["id"],
    )
    assert source["imported_by"].startswith("key:")
    assert source["entries"] == [1]


def test_rows_that_add_up_are_all_named_and_later_imports_come_first(
    imports: Imports, api: Api
) -> None:
    head = "Department,Fiscal Year,Budget\n"
    imports.send((head + "Ops,FY2025,5\nOps,FY2025,7\n").encode(), "first.csv")
    imports.send((head + "Ops,FY2025,20\n").encode(), "second.csv")
    imports.send((head + "Ops,FY2025,20\nParks,FY2025,1\n").encode(), "third.csv")
    (budget,) = api.get("/budgets", department="Ops").get_json()["data"]
    found = api.get(f"/budgets/{budget['id']}/lineage").get_json()["data"]
    assert [(s["file_name"], s["cell"], s["amount"], s["entries"]) for s in found] == [
        ("second.csv", "C2", "20.00", [2]),
        ("first.csv", "C2", "5.00", [1]),
        ("first.csv", "C3", "7.00", [1]),
    ]


def test_a_budget_made_by_hand_has_no_cells(api: Api, make_budget: object) -> None:
    found = make_budget("10")  # type: ignore[operator]
    assert api.get(f"/budgets/{found}/lineage").get_json()["data"] == []
