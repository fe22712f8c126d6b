"""The reward platform's routes and SQL functions, by the names of its documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask

from bursar.database import Database
from bursar.tenants import create_tenant
from tests.api_client import Api
from tests.conftest import MakeApi, MakeBudget


def call(app: Flask, api: Api, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": uuid4().hex}
    return app.test_client().open(path, method=method, json=body, headers=headers)


def test_top_up_then_utilization_agrees(
    app: Flask, api: Api, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    path = f"/v1/tenants/{tenant_id}/budgets/{make_budget('100')}"
    topped = call(app, api, "POST", f"{path}/topup", {"amount": 50, "currency": "USD"})
    assert topped.status_code == 201
    assert topped.get_json()["available"] == 150
    used = call(app, api, "GET", f"{path}/utilization").get_json()
    assert (used["balance"], used["available"], used["softCapExceeded"]) == (0, 150, False)
    found = call(app, api, "POST", f"{path}/reconcile").get_json()
    assert (found["discrepancy"], found["totalsByType"]) == (0, {"fund": 150})


def test_another_tenant_is_not_there_and_roles_hold(
    app: Flask,
    database: Database,
    make_api: MakeApi,
    tenant_id: UUID,
    make_budget: MakeBudget,
) -> None:
    budget = make_budget("100")
    other = create_tenant(database, "Other")
    admin, member = make_api("admin"), make_api("member")
    path = f"/v1/tenants/{other}/budgets/{budget}/utilization"
    assert call(app, admin, "GET", path).status_code == 404
    own = f"/v1/tenants/{tenant_id}/budgets/{budget}"
    assert call(app, member, "POST", f"{own}/reconcile").status_code == 403
    bad = call(app, admin, "POST", f"{own}/topup", {"amount": 0, "currency": "USD"})
    assert bad.status_code == 422


@pytest.fixture
def sql(database: Database, tenant_id: UUID) -> Any:
    """Calls a function as the application, in the tenant."""

    def run(statement: str, *parameters: object) -> Any:
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("select set_config('bursar.tenant', %s, false)", (str(tenant_id),))
            return connection.execute(statement, parameters).fetchall()

    return run


def test_the_functions_of_the_documents(sql: Any, tenant_id: UUID, make_budget: MakeBudget) -> None:
    budget = make_budget("100")
    one = (tenant_id, budget)
    assert sql("select check_budget_capacity(%s, 100)", budget) == [(True,)]
    assert sql("select check_budget_capacity(%s, 100.01)", budget) == [(False,)]
    reserve = "select reserve_budget(%s, %s, %s, 'USD', %s)"
    assert sql(reserve, *one, 60, "a") == [(True,)]
    assert sql(reserve, *one, 60, "b") == [(False,)]
    assert sql("select get_budget_utilization(%s)", budget)[0][0] == 60
    charge = "select charge_budget(%s, %s, %s, 'USD', %s)"
    assert sql(charge, *one, 40, "a") == [(True,)]
    assert sql(charge, *one, 40, "unknown") == [(False,)]
    assert sql(charge, tenant_id, uuid4(), 5, "a") == [(False,)]
    release = "select release_budget(%s, %s, %s, 'USD', %s)"
    assert sql(release, *one, 20, "a") == [(True,)]
    assert sql(release, *one, 1, "a") == [(False,)]
    fund = "select fund_budget(%s, %s, %s, 'USD')"
    assert sql(fund, *one, 50) == [(True,)]
    with pytest.raises(psycopg.errors.CheckViolation):
        sql(fund, *one, 0)
    assert sql("select * from reconcile_budget(%s)", budget) == [(budget, 40, 40, 0)]
