"""The import flow up to the point where a worker takes over."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import xlsxwriter

from bursar.config import settings
from bursar.database import Database
from bursar.importing.applying import run_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from tests.api_client import Api
from tests.web.pages.conftest import MakeVisitor, Visitor

GOOD = b'Department,Sub Category,Fiscal Year,Budget\nOps,Fuel,FY2025,"1,000.50"\n'
NO_PERIOD = b"Department,Budget\nOps,5\nLegal,7\n"
PAYROLL = b"Employee,Employee ID,Gross Pay,Net Pay,Tax\nAnn Bell,7,5000,4000,1000\n"


def review_of(visitor: Visitor, content: bytes, name: str = "budget.csv") -> str:
    answer = visitor.upload(content, name)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def run_of(api: Api, location: str) -> dict[str, object]:
    found: dict[str, object] = api.get(location).get_json()
    return found


def test_an_uploaded_file_is_reviewed_and_imported(visitor: Visitor, api: Api) -> None:
    review = review_of(visitor, GOOD)
    html = visitor.get(review).text
    assert re.search(r'value="budgeted_amount" selected', html)
    assert re.search(r"Certain|Likely", html)
    read = visitor.send(review, seen=review, then="review").text
    assert re.search(r"1,000\.50.*USD", read)
    answer = visitor.send(review, seen=review, mode="skip_errors", then="import")
    assert answer.status_code == 303
    run = run_of(api, answer.location)
    assert (run["state"], run["mode"]) == ("received", "skip_errors")
    page = visitor.get(answer.location).text
    assert 'hx-trigger="every 1s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    progress = visitor.get(f"{answer.location}/progress")
    assert "HX-Refresh" not in progress.headers
    assert "Waiting for a worker" in progress.text


def test_a_waiting_import_is_cancelled_and_its_page_shows_it(visitor: Visitor) -> None:
    review = review_of(visitor, GOOD)
    run = visitor.send(review, seen=review).location
    assert visitor.send(f"{run}/cancel", seen="/").location == run
    assert "Cancelled" in visitor.get(run).text
    assert visitor.get(f"{run}/progress").headers["HX-Refresh"] == "true"
    again = visitor.send(f"{run}/cancel", seen="/")
    assert again.status_code == 409
    assert "The import is cancelled already." in again.text


def test_what_is_missing_is_said_before_anything_starts(visitor: Visitor, api: Api) -> None:
    review = review_of(visitor, NO_PERIOD)
    refused = visitor.send(review, seen=review, mode="skip_errors")
    assert refused.status_code == 422
    assert "Nothing gives fiscal_period." in refused.text
    assert re.search(r'id="mode-skip"[^>]* checked', refused.text)
    assert api.get("/imports").get_json()["data"] == []
    asked = visitor.send(review, seen=review, then="review")
    assert asked.status_code == 200
    assert "fiscal period is missing" in asked.text
    wrong = visitor.send(review, seen=review, fiscal_period="someday")
    assert "names no fiscal period" in wrong.text
    assert 'value="someday"' in wrong.text
    assert visitor.send(review, seen=review, fiscal_period="FY2026").status_code == 303


def test_two_columns_cannot_fill_one_field(visitor: Visitor) -> None:
    review = review_of(visitor, GOOD)
    refused = visitor.send(review, seen=review, **{"target-1": "department"})
    assert refused.status_code == 422
    assert "department is given to Department, Sub Category" in refused.text


def test_an_unchanged_proposal_is_no_mapping_of_its_own(visitor: Visitor, api: Api) -> None:
    """So that the same file is the same import whether it came by page or by API."""
    review = review_of(visitor, GOOD)
    targets = dict(
        re.findall(r'name="(target-\d)".*?value="(\w+)" selected', visitor.get(review).text, re.S)
    )
    assert len(targets) == 4
    visitor.send(review, seen=review, **targets)
    visitor.send(review, seen=review, **{**targets, "target-1": ""})
    found = [run["id"] for run in api.get("/imports").get_json()["data"]]
    assert len(found) == 2


def test_a_file_that_is_no_budget_needs_a_word(visitor: Visitor) -> None:
    review = review_of(visitor, PAYROLL, "payroll.csv")
    assert "Looks like <strong>payroll</strong>" in visitor.get(review).text
    fields = {"target-0": "department", "target-2": "budgeted_amount", "fiscal_period": "FY2025"}
    refused = visitor.send(review, seen=review, **fields)
    assert refused.status_code == 422
    assert "Tick “This is a budget”" in refused.text
    assert visitor.send(review, seen=review, force_kind="yes", **fields).status_code == 303


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"PK\x03\x04 broken", "broken.xlsx"), (b"\n\n \n", "is empty")],
)
def test_what_cannot_be_read_is_said_on_the_upload_page(
    visitor: Visitor, content: bytes, said: str
) -> None:
    answer = visitor.upload(content, "broken.xlsx" if content[:2] == b"PK" else "empty.csv")
    assert answer.status_code == 422
    assert said in answer.text
    assert "save it as XLSX or CSV" in answer.text


def test_no_file_and_too_large_a_file_are_said(visitor: Visitor) -> None:
    assert "Choose a file first." in visitor.send("/imports/new", seen="/").text
    content = b"x" * (settings().upload_limit_bytes + 1)
    token = visitor.token("/")
    for larger in (content, content * 2):
        data = {"csrf_token": token, "file": (io.BytesIO(larger), "large.csv")}
        answer = visitor.client.post("/imports/new", data=data)
        assert answer.status_code == 413
        assert "larger than the 10 MB allowed" in answer.text
        assert "Split the file" in answer.text
    assert "at most 10 MB" in visitor.get("/imports/new").text


def test_another_sheet_or_header_row_is_read_from_the_address(visitor: Visitor) -> None:
    review = review_of(visitor, b"Title,,\n" + NO_PERIOD.replace(b"\n", b",\n"))
    assert "the header is row 2" in visitor.get(review).text
    assert "the header is row 3" in visitor.get(review, header_row="3").text
    assert visitor.get(review, header_row="99").status_code == 422
    assert visitor.get(review, header_row="x").status_code == 200


def test_a_job_is_cancelled_and_tried_again_from_its_list(
    visitor: Visitor, api: Api, make_visitor: MakeVisitor
) -> None:
    started = api.upload("/imports", GOOD).get_json()
    assert "Import a file" in visitor.get("/jobs").text
    assert visitor.send(f"/jobs/{started['job_id']}/cancel", seen="/jobs").status_code == 303
    assert run_of(api, f"/imports/{started['id']}")["state"] == "cancelled"
    assert visitor.send(f"/jobs/{started['job_id']}/retry", seen="/jobs").status_code == 303
    assert run_of(api, f"/imports/{started['id']}")["state"] == "received"
    auditor = make_visitor("auditor")
    assert "Try again" not in auditor.get("/jobs").text
    assert auditor.send(f"/jobs/{started['job_id']}/cancel", seen="/jobs").status_code == 403


def test_lists_take_any_address(visitor: Visitor, tenant_id: UUID) -> None:
    for path in ("/imports?state=nonsense", "/jobs?state=nonsense", "/budgets?import=nonsense"):
        assert visitor.client.get(path).status_code == 200, path
    for path in ("/budgets?cursor=nonsense", "/jobs?cursor=x", "/imports?cursor=x"):
        assert visitor.client.get(path).status_code == 422, path
    assert visitor.client.get(f"/budgets/{tenant_id}x").status_code == 404


def test_what_the_file_leaves_open_is_asked_and_answered(visitor: Visitor, api: Api) -> None:
    content = b"Department,Fiscal Year,Budget\n" + b"".join(
        b"Dept %d,FY2025,%d.000\n" % (n, n) for n in range(1, 9)
    )
    review = review_of(visitor, content)
    asked = visitor.send(review, seen=review, then="review").text
    assert "The point marks decimals" in asked
    assert "once you have answered" in asked
    unanswered = visitor.send(review, seen=review, then="import")
    assert unanswered.status_code == 422
    read = visitor.send(review, seen=review, then="review", **{"answer-decimal_mark-2": ","}).text
    assert re.search(r"8,000\.00.*USD", read)
    answer = visitor.send(review, seen=review, then="import", **{"answer-decimal_mark-2": ","})
    assert answer.status_code == 303


def test_a_table_without_a_header_is_mapped_and_imported(visitor: Visitor) -> None:
    rows = "".join(f"Dept {n},Line {n},FY2025,{n}00.50\n" for n in range(1, 9))
    review = review_of(visitor, rows.encode())
    assert "it has no header" in visitor.get(review).text
    targets = {"target-0": "department", "target-1": "sub_category", "target-2": "fiscal_period",
               "target-3": "budgeted_amount", "force_kind": "yes"}  # fmt: skip
    read = visitor.send(review, seen=review, then="review", **targets).text
    assert re.search(r"800\.50.*USD", read)
    assert visitor.send(review, seen=review, then="import", **targets).status_code == 303


def test_units_of_columns_and_sums_of_rows_are_answered(visitor: Visitor, api: Api) -> None:
    rows = "1,Parks,300,1\n1.1,Trees,100,1\n1.2,Grass,200,1\n2,Roads,70,1\n2.1,Salt,20,1\n"
    content = f"Code,Department,Budget 2025 (k€),Spent 2025\n{rows}2.2,Signs,30,1\n"
    review = review_of(visitor, content.encode())
    asked = visitor.send(review, seen=review, then="review", currency="USD").text
    assert "Leave them out" in asked
    assert "In units of 1,000" in asked
    answers = {
        "answer-unit-2": "1000", "answer-parents": "leave_out", "currency": "USD",
    }  # fmt: skip
    read = visitor.send(review, seen=review, then="review", **answers).text
    assert "100,000.00" in read
    assert "300,000.00" not in read
    assert '<option value="1000" selected>' in read
    assert '<option value="leave_out" selected>' in read
    assert visitor.send(review, seen=review, then="import", **answers).status_code == 303


def test_who_goes_on_from_the_columns_has_said_which_one_is_meant(visitor: Visitor) -> None:
    content = b"Department,Fiscal Year,Budget,Budget\nParks,FY2025,100,7\nRoads,FY2025,50,8\n"
    review = review_of(visitor, content)
    assert "same name" in visitor.get(review).text
    assert visitor.send(review, seen=review, then="import").status_code == 303


def test_sums_are_asked_about_beside_columns_of_one_name(visitor: Visitor) -> None:
    rows = "1,Parks,300,1\n1.1,Trees,100,2\n1.2,Grass,200,3\n2,Roads,70,4\n2.1,Salt,20,5\n"
    content = f"Code,Department,Budget,Budget\n{rows}2.2,Signs,30,6\n"
    review = review_of(visitor, content.encode())
    answers = {"answer-parents": "leave_out", "fiscal_period": "FY2025"}
    asked = visitor.send(review, seen=review, then="review", fiscal_period="FY2025").text
    assert 'name="answer-parents"' in asked
    assert visitor.send(review, seen=review, then="import", **answers).status_code == 303


def test_what_a_chosen_column_leaves_open_is_asked_and_answered(visitor: Visitor) -> None:
    rows = "".join(f"Dept {n},FY2025,7,{n}.000\n" for n in range(1, 9))
    review = review_of(visitor, f"Department,Fiscal Year,Budget,Plan B\n{rows}".encode())
    chosen = {"target-2": "", "target-3": "budgeted_amount"}
    asked = visitor.send(review, seen=review, then="review", **chosen).text
    assert 'name="answer-decimal_mark-3"' in asked
    chosen |= {"answer-decimal_mark-3": ","}
    read = visitor.send(review, seen=review, then="review", **chosen).text
    assert re.search(r"8,000\.00.*USD", read)
    assert '<input type="hidden" name="answer-decimal_mark-3" value=",">' in read


def test_who_goes_on_from_a_sheet_has_said_which_one_is_meant(
    visitor: Visitor, api: Api, tmp_path: Path
) -> None:
    path = tmp_path / "plan.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("FY2024", "FY2025"):
            sheet = book.add_worksheet(name)
            for n, row in enumerate([["Department", "Budget"], ["Parks", 10], ["Roads", 20]]):
                sheet.write_row(n, 0, row)
    review = review_of(visitor, path.read_bytes(), "plan.xlsx")
    assert "same columns" in visitor.get(review).text
    answer = visitor.send(review, seen=review, then="import")
    assert answer.status_code == 303
    assert run_of(api, answer.location)["sheet"] == "FY2024"


@pytest.fixture
def work(database: Database, tenant_id: UUID, api: Api) -> Callable[[], None]:
    """Runs the newest job in this process, as a worker would."""

    def work() -> None:
        job = UUID(api.get("/jobs").get_json()["data"][0]["id"])
        runner.run(database, tenant_id, job, run_import, record_failure)

    return work


def test_a_known_file_is_imported_in_one_step(
    visitor: Visitor, api: Api, work: Callable[[], None]
) -> None:
    content = b"Department,Fiscal Year,Budget\nLegal,FY2025,12.50\n"
    for path in ("/test-import.html", "/test-sync.html"):
        assert visitor.get(path).location == "/imports/new"
    assert visitor.get("/test-budget-check.html").location == "/check"
    sent = visitor.send("/imports/quick", file=(io.BytesIO(content), "plain.csv"))
    assert sent.status_code == 303
    work()
    assert "Completed" in visitor.get(sent.location).text
    assert [one["budgeted_amount"] for one in api.get("/budgets").get_json()["data"]] == ["12.50"]


@pytest.mark.parametrize(
    "content", [b"Alpha,Beta\nx,y\nz,w\n", b"Department,Budget\nA,1\nB,many\n"]
)
def test_what_a_file_leaves_open_is_asked_and_nothing_loaded(
    visitor: Visitor, api: Api, work: Callable[[], None], content: bytes
) -> None:
    sent = visitor.send("/imports/quick", file=(io.BytesIO(content), "strange.csv"))
    assert sent.status_code == 303
    work()
    assert visitor.get(sent.location).status_code == 200
    assert api.get("/budgets").get_json()["data"] == []
    refused = visitor.send("/imports/quick")
    assert refused.status_code == 422
    assert "Choose a file first." in refused.text
