"""The OpenAPI document is valid, complete, and true: no call makes the server fail."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api_client import Api
from tests.conftest import MakeBudget

EXAMPLES = int(os.environ.get("BURSAR_TEST_API_EXAMPLES", "12"))
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


def test_the_document_is_valid(app: Flask) -> None:
    document = app.test_client().get("/api/openapi.json").get_json()
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_every_route_of_the_api_is_in_the_document(app: Flask) -> None:
    document = app.test_client().get("/api/openapi.json").get_json()
    routes = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {
        (path, method) for path, operations in document["paths"].items() for method in operations
    }
    assert routes - documented == set()


def test_no_call_makes_the_server_fail(
    app: Flask, api: Api, make_budget: MakeBudget, subtests: pytest.Subtests
) -> None:
    """Every operation of the document, with what it says may be sent and with what it does not."""
    known = {"budget_id": str(make_budget("1000")), "ref_id": "known"}
    held = {"amount": "1", "currency": "USD", "ref_id": "known"}
    api.post(f"/budgets/{known['budget_id']}/reservations", held)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        with subtests.test(operation=operation.label):
            _try(operation, api.key, known)
        tried += 1
    assert tried >= 25


def _try(operation: Any, key: str, known: dict[str, str]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        for name, value in known.items():
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = value
        headers = {"Authorization": f"Bearer {key}"}
        if operation.method == "post":
            headers["Idempotency-Key"] = uuid4().hex
        case.call_and_validate(headers=headers, checks=CHECKS)

    attempt()
