"""Too fast is 429, for the key that is too fast."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask

from bursar.config import settings
from tests.api_client import Api, code_of
from tests.conftest import MakeApi
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
