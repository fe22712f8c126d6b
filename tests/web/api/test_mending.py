"""Rejected rows are mended and sent again into the same import."""

import csv
import io
from typing import Any

import pytest

from tests.api_client import Api, code_of
from tests.web.api.conftest import Imports

HEAD = "Department,Sub Category,Fiscal Year,Budget\n"


def file_of(good: int, bad: int) -> bytes:
    rows = [f"Ops,Line {n},FY2025,{n}.00\n" for n in range(good)]
    rows += [f"Ops,Bad {n},FY2025,lots\n" for n in range(bad)]
    return (HEAD + "".join(rows)).encode()


def mended(content: bytes, amount: str = "5.00", keep: int | None = None) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    for row in rows[1:]:
        row[3] = amount
    out = io.StringIO()
    csv.writer(out).writerows(rows if keep is None else rows[: keep + 1])
    return out.getvalue().encode()


def test_what_was_rejected_comes_back_as_exactly_those_rows(imports: Imports) -> None:
    run = imports.send(file_of(286, 29), mode="skip_errors")
    assert (run["state"], run["counts"]["rejected"]) == ("completed_with_errors", 29)
    rows = list(csv.reader(io.StringIO(imports.rejected(run["id"]).decode("utf-8-sig"))))
    assert rows[0] == ["Department", "Sub Category", "Fiscal Year", "Budget", "Row", "Reason"]
    assert [row[4] for row in rows[1:]] == [str(288 + n) for n in range(29)]


def test_mended_rows_complete_the_same_import(imports: Imports) -> None:
    run = imports.send(file_of(286, 29), mode="skip_errors")
    whole = imports.mend(run["id"], mended(imports.rejected(run["id"])))
    assert whole["id"] == run["id"]
    assert whole["state"] == "completed"
    assert whole["counts"] == {
        "total": 315, "created": 315, "updated": 0, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    assert whole["amounts"]["after"] == f"{sum(range(286)) + 29 * 5}.00"
    listed = imports.api.get("/imports").get_json()["data"]
    assert [r["continues"] for r in listed] == [run["id"], None]
    errors = imports.api.get(f"/imports/{run['id']}/errors").get_json()
    assert (errors["total"], errors["data"]) == (0, [])


def test_some_rows_may_be_mended_first_and_others_later(imports: Imports) -> None:
    run = imports.send(file_of(20, 4), mode="skip_errors")
    half = imports.mend(run["id"], mended(imports.rejected(run["id"]), keep=2))
    assert (half["state"], half["counts"]["rejected"]) == ("completed_with_errors", 2)
    rest = imports.mend(run["id"], mended(imports.rejected(run["id"])))
    assert (rest["state"], rest["counts"]["created"]) == ("completed", 24)


def test_a_row_that_is_still_wrong_waits_with_its_new_reason(imports: Imports) -> None:
    run = imports.send(file_of(8, 2), mode="skip_errors")
    still = imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="NaN"))
    assert (still["state"], still["counts"]["rejected"]) == ("completed_with_errors", 2)
    errors = imports.api.get(f"/imports/{run['id']}/errors").get_json()
    assert [(e["row"], e["value"]) for e in errors["data"]] == [(10, "NaN"), (11, "NaN")]


def test_an_import_of_all_or_nothing_loads_all_once_the_rows_are_mended(imports: Imports) -> None:
    run = imports.send(file_of(8, 2))
    assert (run["state"], run["error"]["code"]) == ("failed", "rows_rejected")
    assert imports.budgets() == {}
    first = imports.mend(run["id"], mended(imports.rejected(run["id"]), keep=1))
    assert (first["state"], imports.budgets()) == ("failed", {})
    whole = imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="7.00"))
    assert (whole["state"], whole["counts"]["created"]) == ("completed", 10)
    assert sorted(imports.budgets().values())[5:] == ["5.00", "5.00", "6.00", "7.00", "7.00"]


def test_mended_rows_of_a_budget_add_to_its_other_rows(imports: Imports) -> None:
    content = file_of(6, 0).decode() + "Ops,Fuel,FY2025,100\nOps,Fuel,FY2025,lots\n"
    run = imports.send(content.encode(), mode="skip_errors")
    whole = imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="50"))
    assert imports.budgets()["Ops", "Fuel"] == "150.00"
    assert whole["amounts"]["after"] == "165.00"


def test_the_same_mended_file_again_changes_nothing(imports: Imports) -> None:
    run = imports.send(file_of(8, 2), mode="skip_errors")
    back = mended(imports.rejected(run["id"]))
    imports.mend(run["id"], back)
    again = imports.api.upload(f"/imports/{run['id']}/rejected", back, "mended.csv")
    assert code_of(again) == (409, "invalid_import_state")
    assert len(imports.budgets()) == 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Department,Budget\nOps,1\n", "columns of the rejected rows"),
        (b"Department,Sub Category,Fiscal Year,Budget,Row\nOps,x,FY2025,1,2\n", "does not wait"),
        (b"Department,Sub Category,Fiscal Year,Budget,Row\nOps,x,FY2025,1,\n", "the number"),
        (b"Department,Sub Category,Fiscal Year,Budget,Row\n" + 2 * b"Ops,x,FY2025,1,10\n", "twice"),
    ],
)
def test_another_file_is_refused_and_the_import_stays(
    imports: Imports, content: bytes, said: str
) -> None:
    run = imports.send(file_of(8, 2), mode="skip_errors")
    after = imports.mend(run["id"], content)
    assert after["state"] == "completed_with_errors"
    assert after["error"]["code"] == "mended_file_differs"
    assert said in after["error"]["detail"]
    assert after["counts"]["rejected"] == 2


def test_a_workbook_comes_back_as_a_workbook_and_is_mended_there(imports: Imports) -> None:
    import python_calamine
    import xlsxwriter

    def book(rows: list[list[Any]]) -> bytes:
        made = io.BytesIO()
        with xlsxwriter.Workbook(made, {"in_memory": True}) as written:
            sheet = written.add_worksheet("Plan")
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
        return made.getvalue()

    head = ["Department", "Fiscal Year", "Budget"]
    run = imports.send(
        book(
            [["City budget"], [], head]
            + [[f"Dept {n}", "FY2025", 10] for n in range(4)]
            + [["Parks", "FY2025", "lots"]]
        ),
        "plan.xlsx",
        mode="skip_errors",
    )
    back = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(imports.rejected(run["id"])))
    rows = back.get_sheet_by_index(0).to_python()
    assert rows[1][:4] == ["Parks", "FY2025", "lots", "8"]
    rows[1][2] = 20
    whole = imports.mend(run["id"], book(rows), "plan-rejected.xlsx")
    assert (whole["state"], whole["amounts"]["after"]) == ("completed", "60.00")


def test_an_import_that_rejected_nothing_takes_no_mended_rows(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(1, 0))
    refused = api.upload(f"/imports/{run['id']}/rejected", file_of(1, 0))
    assert code_of(refused) == (409, "invalid_import_state")


def test_a_plan_is_replaced_by_the_plan_of_its_mended_rows(imports: Imports) -> None:
    run = imports.send(file_of(8, 1), apply="false")
    assert run["state"] == "planned"
    planned = imports.mend(run["id"], mended(imports.rejected(run["id"])))
    assert (planned["state"], planned["counts"]["created"]) == ("planned", 9)
    assert imports.act(run["id"], "apply")["state"] == "completed"
    assert len(imports.budgets()) == 9


def test_sums_of_an_import_with_attempts_begin_before_the_first_of_them(imports: Imports) -> None:
    imports.send((HEAD + "Big,Thing,FY2025,1000\n").encode(), "big.csv")
    run = imports.send(file_of(4, 0) + b"Big,Thing,FY2025,lots\n", mode="skip_errors")
    whole = imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="50"))
    assert (whole["amounts"]["before"], whole["amounts"]["after"]) == ("1000.00", "56.00")


def test_the_first_file_again_takes_nothing_away_from_mended_rows(imports: Imports) -> None:
    content = file_of(6, 0) + b"Ops,Fuel,FY2025,100\nOps,Fuel,FY2025,lots\n"
    run = imports.send(content, mode="skip_errors")
    imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="50"))
    again = imports.send(content, mode="skip_errors")
    assert again["duplicate_of"] == run["id"]
    assert imports.budgets()["Ops", "Fuel"] == "150.00"
    back = mended(imports.rejected(again["id"]))
    refused = imports.api.upload(f"/imports/{again['id']}/rejected", back)
    assert code_of(refused) == (409, "invalid_import_state")


def test_a_first_run_that_was_mended_is_not_tried_again(imports: Imports, api: Api) -> None:
    run = imports.send(file_of(8, 2))
    imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="75"))
    before = imports.budgets()
    job = api.get(f"/imports/{run['id']}").get_json()["job_id"]
    assert api.post(f"/jobs/{job}/retry").status_code == 202
    imports.finish({"id": run["id"], "job_id": job})
    assert imports.budgets() == before


def test_a_frozen_budget_takes_no_mended_row(imports: Imports, api: Api) -> None:
    imports.send((HEAD + "Ops,Fuel,FY2025,100\n").encode(), "old.csv")
    run = imports.send(
        file_of(6, 0) + b"Ops,Fuel,FY2025,100\nOps,Fuel,FY2025,lots\n", mode="skip_errors"
    )
    (fuel,) = api.get("/budgets", sub_category="Fuel").get_json()["data"]
    assert (
        api.patch(f"/budgets/{fuel['id']}", {"status": "frozen"}, fuel["version"]).status_code
        == 200
    )
    tried = imports.mend(run["id"], mended(imports.rejected(run["id"]), amount="100"))
    assert tried["state"] == "completed_with_errors"
    (error,) = api.get(f"/imports/{run['id']}/errors").get_json()["data"]
    assert error["code"] == "budget_frozen"


@pytest.mark.parametrize("mode", ["skip_errors", "all_or_nothing"])
def test_mended_rows_are_read_with_what_was_remembered(
    imports: Imports, api: Api, mode: str
) -> None:
    head = ["Department", "Line", "Budget"]
    api.post(
        "/mapping-templates",
        {
            "headers": head,
            "mapping": {"Department": "department", "Line": "sub_category",
                        "Budget": "budgeted_amount"},
            "unit": 1000,
            "defaults": {"fiscal_period": "FY25"},
        },
    )  # fmt: skip
    rows = "".join(f"Ops,Line {n},{n}\n" for n in range(1, 9)) + "Ops,Bad,lots\n"
    run = imports.send((",".join(head) + "\n" + rows).encode(), mode=mode)
    back = imports.rejected(run["id"]).replace(b",lots,", b",5,")
    whole = imports.mend(run["id"], back)
    assert whole["state"] == "completed", whole
    found = api.get("/budgets", sub_category="Bad").get_json()["data"][0]
    assert (found["budgeted_amount"], found["fiscal_period"]) == ("5000.00", "FY2025")
    assert imports.budgets()["Ops", "Line 8"] == "8000.00"


def test_rejected_rows_are_no_import_of_their_own(imports: Imports) -> None:
    content = file_of(6, 0) + b"Ops,Fuel,FY2025,100\nOps,Fuel,FY2025,lots\n"
    run = imports.send(content, mode="skip_errors")
    alone = mended(imports.rejected(run["id"]), amount="50")
    refused = imports.send(alone, "budget-rejected.csv")
    assert (refused["state"], refused["error"]["code"]) == ("failed", "mended_file_differs")
    assert run["id"] in refused["error"]["detail"]
    assert imports.budgets()["Ops", "Fuel"] == "100.00"


def test_mended_rows_keep_the_department_of_the_lines_above_them(imports: Imports) -> None:
    rows = "Parks,Trees,FY2025,oops\n,Mowing,FY2025,2\nFire,Pumps,FY2025,5\n,Hoses,FY2025,bad\n"
    text = "Department,Category,Fiscal Year,Budget\n" + rows
    first = imports.send(text.encode(), mode="skip_errors", apply="true")
    fixed = imports.rejected(first["id"]).replace(b"oops", b"1").replace(b"bad", b"4")
    assert imports.mend(first["id"], fixed)["state"] == "completed"
    assert imports.budgets() == {
        ("Parks", "Trees"): "1.00", ("Parks", "Mowing"): "2.00",
        ("Fire", "Pumps"): "5.00", ("Fire", "Hoses"): "4.00",
    }  # fmt: skip


def test_mended_rows_keep_the_department_of_their_section(imports: Imports) -> None:
    rows = "Parks,,\nTrees,FY2025,oops\nMowing,FY2025,2\nFire,,\nPumps,FY2025,5\nHoses,FY2025,bad\n"
    text = "Category,Fiscal Year,Budget\n" + rows
    first = imports.send(text.encode(), mode="skip_errors", apply="true")
    fixed = imports.rejected(first["id"]).replace(b"oops", b"1").replace(b"bad", b"4")
    assert imports.mend(first["id"], fixed)["state"] == "completed"
    assert imports.budgets()[("Fire", "Hoses")] == "4.00"
    assert imports.budgets()[("Parks", "Trees")] == "1.00"
