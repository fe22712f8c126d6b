"""The documents' own routes for files, up to where a worker takes over."""

import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bursar.config import settings
from bursar.database import Database
from bursar.tenants import set_upload_limit
from tests.api_client import Api, code_of
from tests.conftest import MakeBudget
from web.compat.wire import camel, snake

BUDGET = b"Department,Sub Category,Fiscal Year,Budget\nOps,Fuel,FY2025,1000\nOps,Food,FY2025,5\n"
PAYROLL = b"Employee ID,Name,Gross Pay,Net Pay,Pay Date\n1,A,10,8,2025-01-31\n2,B,9,7,2025-01-31\n"


class Documents:
    """A caller of the documents' routes."""

    def __init__(self, app: Flask, api: Api) -> None:
        self.client = app.test_client()
        self.headers = {"Authorization": f"Bearer {api.key}"}

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.client.get(path, headers=self.headers, query_string=query)

    def post(self, path: str, body: Any) -> TestResponse:
        return self.client.post(path, headers=self.headers, json=body)

    def send(self, path: str, content: bytes, name: str = "budget.csv", **form: str) -> Any:
        data = {"file": (io.BytesIO(content), name), **form}
        return self.client.post(path, headers=self.headers, data=data)


@pytest.fixture
def documents(app: Flask, api: Api) -> Documents:
    return Documents(app, api)


def test_analysis_has_the_documents_names(documents: Documents) -> None:
    answer = documents.send("/api/excel/analyze", BUDGET, userId="user_123")
    found = answer.get_json()
    assert answer.status_code == 200
    assert set(found) == {
        "success", "fileId", "fileName", "totalRows", "headers", "sampleRows", "mappings",
        "fileTypeDetection", "canProceed",
    }  # fmt: skip
    assert (found["success"], found["totalRows"], found["canProceed"]) == (True, 2, True)
    assert [m["targetField"] for m in found["mappings"]] == [
        "department", "subCategory", "fiscalPeriod", "budgetedAmount",
    ]  # fmt: skip
    detection = found["fileTypeDetection"]
    assert set(detection) == {"likelyFileType", "confidence", "budgetConfidence", "warnings"}
    assert detection["likelyFileType"] == "budget"
    assert 0 <= detection["budgetConfidence"] <= 1


def test_a_payroll_cannot_proceed_and_is_warned_of(documents: Documents) -> None:
    found = documents.send("/api/excel/analyze", PAYROLL, "pay.csv").get_json()
    assert found["fileTypeDetection"]["likelyFileType"] == "payroll"
    assert found["fileTypeDetection"]["warnings"]
    assert found["canProceed"] is False


def test_rows_are_imported_as_a_file(documents: Documents, tenant_id: UUID) -> None:
    body = {
        "customerId": str(tenant_id),
        "userId": "user_123",
        "fileName": "rows",
        "mappings": [
            {"sourceColumn": "Dept", "targetField": "department"},
            {"sourceColumn": "Year", "targetField": "fiscalPeriod"},
            {"sourceColumn": "Amount", "targetField": "budgetedAmount"},
        ],
        "rows": [["Ops", "FY2025", 10.5], ["Parks", "FY2025", 20]],
    }
    answer = documents.post("/api/excel/import", body)
    assert answer.status_code == 202  # no worker runs here
    started = answer.get_json()
    assert set(started) >= {"success", "importId", "imported", "errors", "stats"}
    assert set(started["stats"]) == {"totalRows", "successRows", "errorRows"}
    (listed,) = documents.get("/api/imports/history").get_json()["imports"]
    assert (listed["id"], listed["fileName"]) == (started["importId"], "rows.csv")


def test_a_file_that_was_analysed_is_imported_by_its_id(documents: Documents) -> None:
    file_id = documents.send("/api/excel/analyze", BUDGET).get_json()["fileId"]
    assert documents.post("/api/excel/import", {"fileId": file_id}).status_code == 202
    unknown = documents.post("/api/excel/import", {"fileId": str(uuid4())})
    assert unknown.status_code == 404
    assert unknown.get_json()["success"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"mappings": [{"sourceColumn": "A", "targetField": "department"}]},
        {"mappings": "A=department", "rows": [["x"]]},
        {"mappings": [{"sourceColumn": "A"}], "rows": [["x", "y"]]},
        {"fileId": "one"},
    ],
)
def test_a_body_that_names_no_rows_is_refused(documents: Documents, body: Any) -> None:
    refused = documents.post("/api/excel/import", body)
    assert code_of(refused) == (422, "invalid_input")
    assert refused.get_json()["success"] is False


def test_one_step_upload(documents: Documents, tenant_id: UUID) -> None:
    answer = documents.send("/api/sync/upload", BUDGET, customerId=str(tenant_id))
    assert answer.status_code == 202
    assert answer.get_json()["importId"]


@pytest.mark.parametrize("name", ["customerId", "userId"])
def test_somebody_else_s_name_is_refused(documents: Documents, name: str) -> None:
    foreign = {name: str(uuid4())}
    for path in ("/api/excel/analyze", "/api/sync/upload"):
        assert code_of(documents.send(path, BUDGET, **foreign)) == (403, "forbidden")
    assert code_of(documents.post("/api/excel/import", foreign)) == (403, "forbidden")
    assert code_of(documents.get("/api/imports/history", **foreign)) == (403, "forbidden")


def test_history_has_the_documents_names_and_the_newest_fifty(documents: Documents) -> None:
    for n in range(60):
        documents.send("/api/sync/upload", BUDGET, f"file {n}.csv")
    found = documents.get("/api/imports/history").get_json()
    assert [run["fileName"] for run in found["imports"]] == [
        f"file {n}.csv" for n in range(59, 9, -1)
    ]
    assert set(found["imports"][0]) == {
        "id", "customerId", "fileName", "sourceType", "status", "totalRows", "successRows",
        "errorRows", "errors", "createdAt", "completedAt",
    }  # fmt: skip
    assert len(documents.get("/api/imports/history", limit=3).get_json()["imports"]) == 3
    for limit in ("0", "x", "-1", "9999"):
        assert documents.get("/api/imports/history", limit=limit).status_code == 422


def test_the_documents_check_on_demonstration_data(documents: Documents) -> None:
    customer = documents.get("/api/seed").get_json()["customer"]
    answer = documents.post(
        "/api/budget/check",
        {
            "customerId": customer["id"],
            "department": "Engineering",
            "subCategory": "Software",
            "fiscalPeriod": "FY2025",
            "amount": 5000,
        },
    )
    assert answer.status_code == 200
    found = answer.get_json()
    assert (found["success"], found["available"]) == (True, True)
    assert set(found) == {
        "success", "available", "budget", "canAutoApprove", "autoApprovalThreshold",
        "utilizationPercent", "reason",
    }  # fmt: skip
    assert b'"budgetedAmount":50000.0' in answer.data
    assert documents.get("/api/seed").get_json()["created"] == 0


def test_amounts_are_numbers_with_every_digit(
    documents: Documents, make_budget: MakeBudget
) -> None:
    make_budget("9999999999999999.99")
    body = {"department": "Engineering", "fiscalPeriod": "FY2025", "amount": "0.01"}
    answer = documents.post("/api/budget/check", {**body, "subCategory": "Software"})
    assert b'"budgetedAmount":9999999999999999.99' in answer.data


@pytest.mark.parametrize("more", [{}, {"amount": True}, {"amount": None}])
def test_a_check_without_its_fields_is_refused(documents: Documents, more: Any) -> None:
    body = {"department": "x", "fiscalPeriod": "FY2025", **more}
    assert code_of(documents.post("/api/budget/check", {})) == (422, "invalid_input")
    assert code_of(documents.post("/api/budget/check", body)) == (422, "invalid_input")


def test_there_is_no_seed_in_production(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "environment", "production")
    assert documents.get("/api/seed").status_code == 404


def test_a_tenant_may_have_a_larger_limit(
    documents: Documents, database: Database, tenant_id: UUID
) -> None:
    large = BUDGET + b"Ops,Fuel,FY2025,1\n" * (settings().upload_limit_bytes // 17)
    assert code_of(documents.send("/api/sync/upload", large)) == (413, "too_large")
    with database.transaction(tenant_id, "test") as session:
        set_upload_limit(session, 2 * settings().upload_limit_bytes)
    assert documents.send("/api/sync/upload", large).status_code == 202
    assert code_of(documents.send("/api/sync/upload", 2 * large)) == (413, "too_large")


@pytest.mark.parametrize("name", ["budgeted_amount", "department", "external_ref"])
def test_names_turn_into_the_documents_and_back(name: str) -> None:
    assert snake(camel(name)) == name


@pytest.mark.parametrize(
    "change",
    [{"headers": 5}, {"headers": True}, {"fileName": "\x00"}, {"rows": [["\ud800"]]},
     {"mappings": [{"sourceColumn": "A\x00", "targetField": "department"}]},
     {"defaults": {"department": "\x00"}}],
)  # fmt: skip
def test_texts_that_cannot_be_kept_are_refused(documents: Documents, change: Any) -> None:
    body = {"mappings": [{"sourceColumn": "A", "targetField": "department"}], "rows": [["x"]]}
    refused = documents.post("/api/excel/import", {**body, **change})
    assert code_of(refused) == (422, "invalid_input")


@pytest.mark.parametrize(
    "change",
    [{"currency": [1]}, {"subCategory": 5}, {"subCategory": "\x00"}, {"department": "\ud800"}],
)
def test_a_check_of_odd_texts_is_refused(documents: Documents, change: Any) -> None:
    body = {"department": "x", "fiscalPeriod": "FY2025", "amount": 1}
    refused = documents.post("/api/budget/check", {**body, **change})
    assert code_of(refused) == (422, "invalid_input")
