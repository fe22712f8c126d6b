"""Too fast is 429, for the key that is too fast."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask

from bursar.config import settings
from tests.api_client import Api, code_of
from tests.conftest import MakeApi, MakeBudget
from web.app import create_app


@pytest.fixture
def strict_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("BURSAR_RATE_LIMIT", "3 per minute")
    settings.cache_clear()
    yield create_app()
    monkeypatch.undo()
    settings.cache_clear()


def test_a_key_that_is_too_fast_waits_and_others_do_not(
    strict_app: Flask, make_api: MakeApi, tenant_id: UUID
) -> None:
    hasty, patient = (Api(strict_app, make_api().key) for _ in range(2))
    statuses = [hasty.get("/budgets").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = hasty.get("/budgets")
    assert code_of(refused) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert patient.get("/budgets").status_code == 200


def test_health_is_never_too_fast(strict_app: Flask) -> None:
    client = strict_app.test_client()
    assert {client.get("/healthz").status_code for _ in range(10)} == {200}


def test_the_eleventh_topup_in_a_minute_waits(
    app: Flask, monkeypatch: pytest.MonkeyPatch, make_api: MakeApi, tenant_id: UUID,
    make_budget: MakeBudget,
) -> None:  # fmt: skip
    monkeypatch.setenv("BURSAR_TOPUP_RATE_LIMIT", "10 per minute")
    settings.cache_clear()
    careful = create_app()
    monkeypatch.undo()
    settings.cache_clear()
    api, other = (Api(careful, make_api().key) for _ in range(2))
    budget = make_budget("10")
    more = {"amount": "1", "currency": "USD", "reason": "more"}
    statuses = [api.post(f"/budgets/{budget}/topup", more).status_code for _ in range(10)]
    assert statuses == [201] * 10
    refused = api.post(f"/budgets/{budget}/topup", more)
    assert code_of(refused) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) >= 1
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": "other-way"}
    by_the_other_route = careful.test_client().post(
        f"/v1/tenants/{tenant_id}/budgets/{budget}/topup", json=more, headers=headers
    )
    assert by_the_other_route.status_code == 429
    assert api.get(f"/budgets/{budget}").get_json()["budgeted_amount"] == "20.00"
    assert other.post(f"/budgets/{budget}/topup", more).status_code == 201
