"""Imports over the API, up to the point where a worker takes over."""

import io
import zipfile
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import xlsxwriter
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from bursar.config import settings
from bursar.database import Database
from bursar.errors import InvalidInput
from bursar.importing import applying
from bursar.importing.applying import apply_plan, run_import
from bursar.importing.runs import record_failure
from bursar.jobs import rows as jobs
from bursar.jobs import runner
from bursar.jobs.lease import Lease
from bursar.jobs.runner import Work
from tests.api_client import Api, code_of
from tests.web.api.conftest import Imports

GOOD = b'Department,Sub Category,Fiscal Year,Budget\nOps,Fuel,FY2025,"1,000.50"\n'


def test_analysis_names_what_each_column_means(api: Api) -> None:
    found = api.upload("/imports/analyze", GOOD).get_json()
    assert [c["target"] for c in found["columns"]] == [
        "department", "sub_category", "fiscal_period", "budgeted_amount",
    ]  # fmt: skip
    assert found["detection"]["kind"] == "budget"
    assert found["can_proceed"]
    again = api.post("/imports/analyze", {"file_id": found["file_id"]}).get_json()
    assert again == found


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "empty.csv", "empty_file"),
        (b"\n\n  \n", "blank.csv", "empty_file"),
        (bytes(range(256)) * 40, "noise.bin", "unreadable_file"),
        (b"PK\x03\x04 broken", "broken.xlsx", "unreadable_file"),
        (GOOD[:0] + b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1junk", "broken.xls", "unreadable_file"),
    ],
)
def test_what_cannot_be_read_is_said(api: Api, content: bytes, name: str, code: str) -> None:
    response = api.upload("/imports/analyze", content, name)
    assert code_of(response) == (422, code)
    assert name in response.get_json()["detail"]


def test_a_truncated_workbook_is_said(api: Api) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    response = api.upload("/imports/analyze", made.getvalue()[:-10], "cut.xlsx")
    assert code_of(response) == (422, "unreadable_file")


def test_one_byte_too_many_is_413(api: Api) -> None:
    limit = settings().upload_limit_bytes
    row = b"Ops,Fuel,FY2025,1\n"
    content = GOOD + row * ((limit - len(GOOD)) // len(row))
    content += b" " * (limit - len(content))
    assert api.upload("/imports", content).status_code == 202
    assert code_of(api.upload("/imports", content + b" ")) == (413, "too_large")
    assert code_of(api.upload("/imports", content * 2)) == (413, "too_large")


def test_the_same_request_again_starts_no_second_import(api: Api) -> None:
    key = {"Idempotency-Key": uuid4().hex}

    def send(content: bytes) -> tuple[int, dict[str, object]]:
        form = {"file": (io.BytesIO(content), "b.csv"), "mode": "skip_errors"}
        response = api.call("POST", "/imports", data=form, headers=dict(key))
        return response.status_code, response.get_json()

    first = send(GOOD)
    assert first[0] == 202
    assert send(GOOD) == first
    assert send(GOOD + b"Ops,Food,FY2025,3\n")[0] == 422
    assert len(api.get("/imports").get_json()["data"]) == 1


def test_an_import_is_followed_by_its_job(api: Api) -> None:
    response = api.upload("/imports", GOOD)
    started = response.get_json()
    assert response.headers["Location"] == f"/api/v1/jobs/{started['job_id']}"
    job = api.get(f"/jobs/{started['job_id']}").get_json()
    assert (job["kind"], job["queue"], job["state"]) == ("imports.run", "imports", "queued")
    run = api.get(f"/imports/{started['id']}").get_json()
    assert (run["state"], run["file_name"]) == ("received", "budget.csv")


def test_a_waiting_import_can_be_cancelled(api: Api) -> None:
    started = api.upload("/imports", GOOD).get_json()
    assert api.post(f"/imports/{started['id']}/cancel").get_json()["state"] == "cancelled"
    assert api.get(f"/jobs/{started['job_id']}").get_json()["state"] == "cancelled"
    again = api.post(f"/imports/{started['id']}/cancel")
    assert code_of(again) == (409, "invalid_import_state")


@pytest.mark.parametrize(
    "form",
    [{"mode": "maybe"}, {"apply": "perhaps"}, {"mapping": "{"}, {"defaults": '{"colour": "red"}'},
     {"defaults": '{"currency": "dollars"}'}, {"unknown": "1"}, {"header_row": "-1"}],
)  # fmt: skip
def test_a_wrong_wish_is_refused(api: Api, form: dict[str, str]) -> None:
    assert code_of(api.upload("/imports", GOOD, **form)) == (422, "invalid_input")


def test_neither_file_nor_id_is_refused(api: Api) -> None:
    assert code_of(api.post("/imports", {"mode": "skip_errors"})) == (422, "invalid_input")
    assert code_of(api.post("/imports")) == (422, "invalid_input")


def test_a_plan_that_was_not_made_is_not_applied(api: Api) -> None:
    started = api.upload("/imports", GOOD).get_json()
    refused = api.post(f"/imports/{started['id']}/apply")
    assert code_of(refused) == (409, "invalid_import_state")


def test_a_failed_apply_can_be_tried_again(api: Api, database: Database, tenant_id: UUID) -> None:
    started = api.upload("/imports", GOOD, apply="false").get_json()
    done: list[str] = []

    def run(job_id: str, work: Work) -> None:
        done.append(runner.run(database, tenant_id, UUID(job_id), work, record_failure))

    def break_down(_lease: Lease) -> None:
        raise InvalidInput("the disk is full")

    run(started["job_id"], run_import)
    apply = api.post(f"/imports/{started['id']}/apply").get_json()
    run(apply["job_id"], break_down)
    assert api.get(f"/imports/{started['id']}").get_json()["state"] == "failed"
    assert api.post(f"/jobs/{apply['job_id']}/retry").status_code == 202
    run(apply["job_id"], apply_plan)
    assert done == ["succeeded", "failed", "succeeded"]
    assert api.get(f"/imports/{started['id']}").get_json()["state"] == "completed"


def test_a_currency_that_the_tenant_does_not_keep_is_no_other_currency(
    api: Api, database: Database, tenant_id: UUID
) -> None:
    euros = GOOD.replace(b'"1,000.50"', "€1000.50".encode())
    started = api.upload("/imports", euros).get_json()
    runner.run(database, tenant_id, UUID(started["job_id"]), run_import, record_failure)
    run = api.get(f"/imports/{started['id']}").get_json()
    assert run["state"] == "failed"
    assert "EUR" in run["error"]["detail"]
    assert api.get("/budgets").get_json()["data"] == []


def test_a_file_sent_again_shows_the_errors_of_the_first_time(
    api: Api, database: Database, tenant_id: UUID
) -> None:
    shown = []
    for _ in range(2):
        started = api.upload(
            "/imports", GOOD + b"Ops,Food,FY2025,lots\n", mode="skip_errors"
        ).get_json()
        runner.run(database, tenant_id, UUID(started["job_id"]), run_import, record_failure)
        shown.append(api.get(f"/imports/{started['id']}/errors").get_json())
    assert shown[0] == shown[1]
    assert shown[0]["total"] == len(shown[0]["data"]) == 1


def stray(cell: str, sheet: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook with one honest row and one cell far away."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.add_worksheet().write_row(0, 0, ["Department", "Budget"])
    book.close()
    out = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".rels") or name == "[Content_Types].xml":
                content = content.replace(b"worksheets/sheet1.xml", sheet[3:].encode())
            content = content.replace(b"</sheetData>", cell.encode() + b"</sheetData>")
            new.writestr(sheet if name == "xl/worksheets/sheet1.xml" else name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("cell", "sheet"),
    [
        ("<row r='1048576'><c r='XFD1048576'><v>5</v></c></row>", "xl/worksheets/sheet1.xml"),
        ('<row r="9"><c r = "XFD1048576"><v>5</v></c></row>', "xl/worksheets/sheet1.xml"),
        ('<row r="9"><c r="XFD1048576"><v>5</v></c></row>', "xl/tables1/sheet1.xml"),
        ('<row r="9"><c r="ZZZZZ99999999"><v>5</v></c></row>', "xl/worksheets/sheet1.xml"),
        ('<row r="9"><c r="xfd1048576"><v>5</v></c></row>', "xl/worksheets/sheet1.xml"),
        ('<row r="9"><c r="&#88;FD1048576"><v>5</v></c></row>', "xl/worksheets/sheet1.xml"),
        ('<row r="99999999"><c r="A99999999"><v>5</v></c></row>', "xl/worksheets/sheet1.xml"),
    ],
)
def test_a_cell_far_away_is_refused_however_it_is_written(api: Api, cell: str, sheet: str) -> None:
    response = api.upload("/imports/analyze", stray(cell, sheet), "stray.xlsx")
    assert code_of(response) == (422, "file_limit_exceeded")


def test_a_bomb_is_refused(api: Api) -> None:
    bomb = stray(
        '<row r="9"><c r="A9" t="inlineStr"><is><t>' + "A" * 60_000_000 + "</t></is></c></row>"
    )
    assert code_of(api.upload("/imports/analyze", bomb, "bomb.xlsx")) == (
        422,
        "file_limit_exceeded",
    )


def test_odd_file_names_do_no_harm(api: Api) -> None:
    for name in ("a\0b.csv", "x" * 300 + ".csv", "../../etc/passwd", "\u202e.csv", ""):
        response = api.upload("/imports", GOOD + name.encode(), name or "none")
        assert response.status_code == 202, name


def test_sums_that_no_budget_holds_end_the_import_at_once(
    api: Api, database: Database, tenant_id: UUID
) -> None:
    row = b"Ops,Fuel,FY2025,9000000000000000\n"
    started = api.upload("/imports", b"Department,Sub Category,Fiscal Year,Budget\n" + row + row)
    job_id = UUID(started.get_json()["job_id"])
    assert runner.run(database, tenant_id, job_id, run_import, record_failure) == "failed"
    run = api.get(f"/imports/{started.get_json()['id']}").get_json()
    assert run["error"]["code"] == "invalid_amount"


def test_a_cancelled_import_is_not_applied_behind_one_s_back(
    api: Api, database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = api.upload("/imports", GOOD).get_json()
    end = Lease.end

    def cancel_first(lease: Lease, session: Any, state: str, *more: Any) -> None:
        if state == "succeeded":
            with database.transaction(tenant_id) as other:
                jobs.cancel(other, lease.job_id)
        end(lease, session, state, *more)

    monkeypatch.setattr(Lease, "end", cancel_first)
    job_id = UUID(started["job_id"])
    assert runner.run(database, tenant_id, job_id, run_import, record_failure) == "cancelled"
    assert api.get(f"/imports/{started['id']}").get_json()["state"] == "cancelled"
    assert api.get("/budgets").get_json()["data"] == []


@pytest.fixture
def overtake(
    database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any, Any], None]:
    """Run one import, and another one from its middle, when it has planned but not applied."""

    def succeed(started: Any) -> None:
        job_id = UUID(started["job_id"])
        assert runner.run(database, tenant_id, job_id, run_import, record_failure) == "succeeded"

    def overtake(first: Any, second: Any) -> None:
        carry_out = applying._carry_out

        def overtaken(session: Any, run: Any, lease: Any) -> None:
            monkeypatch.setattr(applying, "_carry_out", carry_out)
            succeed(first)
            carry_out(session, run, lease)

        monkeypatch.setattr(applying, "_carry_out", overtaken)
        succeed(second)

    return overtake


def test_an_import_whose_plan_was_overtaken_plans_again(
    api: Api, overtake: Callable[[Any, Any], None]
) -> None:
    first = api.upload("/imports", GOOD).get_json()
    second = api.upload("/imports", GOOD.replace(b"1,000.50", b"7.00")).get_json()
    overtake(first, second)
    run = api.get(f"/imports/{second['id']}").get_json()
    assert (run["state"], run["counts"]["updated"]) == ("completed", 1)
    assert api.get("/budgets").get_json()["data"][0]["budgeted_amount"] == "7.00"


def test_the_same_file_overtaking_itself_is_one_import(
    api: Api, overtake: Callable[[Any, Any], None]
) -> None:
    first = api.upload("/imports", GOOD).get_json()
    second = api.upload("/imports", GOOD).get_json()
    overtake(first, second)
    run = api.get(f"/imports/{second['id']}").get_json()
    assert (run["state"], run["duplicate_of"]) == ("completed", first["id"])
    assert (run["counts"]["created"], run["counts"]["unchanged"]) == (0, 1)


def test_the_log_tells_of_imports_by_the_documents_names(imports: Imports, tenant_id: UUID) -> None:
    with capture_logs() as events:
        run = imports.send(GOOD, "told.csv")
        imports.send(b"Employee ID,Gross Pay,Net Pay\n1,10,8\n2,9,7\n", "pay.csv")
    told = {event["event"]: event for event in events}
    assert told["Import completed"]["customerId"] == str(tenant_id)
    assert told["Import completed"]["importId"] == run["id"]
    assert (told["Import completed"]["successRows"], told["Import completed"]["errorRows"]) == (
        1,
        0,
    )
    assert told["Import completed"]["durationMs"] >= 0
    started = next(event for event in events if event["event"] == "Import started")
    assert (started["fileName"], started["totalRows"]) == ("told.csv", 1)
    warned = told["Non-budget file detected"]
    assert (warned["log_level"], warned["detectedType"]) == ("warning", "payroll")
    assert 0 < warned["confidence"] <= 1


def test_an_import_keeps_its_states_and_is_history_once_done(
    imports: Imports, database: Database, tenant_id: UUID
) -> None:
    run = imports.send(GOOD)
    assert [step["state"] for step in run["history"]] == [
        "received", "profiled", "planned", "completed",
    ]  # fmt: skip
    assert sorted(step["at"] for step in run["history"]) == [step["at"] for step in run["history"]]
    for change in ("created_rows = 7", "state = 'failed'", "amounts = '{}'"):
        with (
            pytest.raises(IntegrityError, match="is history"),
            database.transaction(tenant_id, "test") as session,
        ):
            session.execute(text(f"update import_run set {change} where id = '{run['id']}'"))


def test_two_tables_on_a_sheet_are_refused_until_somebody_has_looked(imports: Imports) -> None:
    content = (
        b"Department,Item,Budget 2025\nParks,Benches,100\nParks,Trees,50\nRoads,Salt,30\n"
        b"Position,Salary,Department\nClerk,40000,Parks\nForeman,52000,Roads\n"
    )
    refused = imports.send(content, mode="skip_errors")
    assert (refused["state"], refused["error"]["code"]) == ("failed", "several_tables")
    assert "row 5" in refused["error"]["detail"]
    loaded = imports.send(content, mode="skip_errors", force_kind="true")
    assert loaded["state"] == "completed_with_errors"
