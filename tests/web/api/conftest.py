"""Working off what the API has queued, as a worker would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from bursar.database import Database
from bursar.importing.applying import apply_plan, run_import
from bursar.importing.repairing.undoing import record_undo_failure, undo_import
from bursar.importing.runs import record_failure
from bursar.jobs import runner
from bursar.jobs.runner import OnFailure, Work
from bursar.proof import reconcile_all, seals
from tests.api_client import Api

WORKS: dict[str, tuple[Work, OnFailure]] = {
    "imports.run": (run_import, record_failure),
    "imports.apply": (apply_plan, record_failure),
    "imports.undo": (undo_import, record_undo_failure),
    "ledger.reconcile": (reconcile_all.run, lambda *_: None),
    "ledger.seal": (seals.run, lambda *_: None),
}


class Imports:
    """Imports of one tenant over its API, each carried to its end at once."""

    def __init__(self, api: Api, work_off: Callable[[dict[str, Any]], str]) -> None:
        self.api = api
        self._work_off = work_off

    def send(
        self, content: bytes, name: str = "budget.csv", path: str = "/imports", **form: str
    ) -> dict[str, Any]:
        response = self.api.upload(path, content, name, **form)
        assert response.status_code == 202, response.text
        return self.finish(response.get_json())

    def finish(self, started: dict[str, Any]) -> dict[str, Any]:
        """Work a queued job off and read its import."""
        self._work_off(started)
        return self.read(started["id"])

    def read(self, import_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/imports/{import_id}").get_json()
        return found

    def act(self, import_id: str, step: str) -> dict[str, Any]:
        response = self.api.post(f"/imports/{import_id}/{step}")
        assert response.status_code == 202, response.text
        return self.finish(response.get_json())

    def mend(self, import_id: str, content: bytes, name: str = "mended.csv") -> dict[str, Any]:
        return self.send(content, name, f"/imports/{import_id}/rejected")

    def rejected(self, import_id: str) -> bytes:
        return bytes(self.api.get(f"/imports/{import_id}/rejected").data)

    def budgets(self) -> dict[tuple[str, str | None], str]:
        """Department and sub-category of every budget, and its amount."""
        listed = self.api.get("/budgets", limit=200).get_json()["data"]
        return {(b["department"], b["sub_category"]): b["budgeted_amount"] for b in listed}


@pytest.fixture
def work_off(database: Database, tenant_id: UUID, api: Api) -> Callable[[dict[str, Any]], str]:
    """Runs the job that an answer names, in this process, and returns its outcome."""

    def work_off(started: dict[str, Any]) -> str:
        job = api.get(f"/jobs/{started['job_id']}").get_json()
        return runner.run(database, tenant_id, UUID(job["id"]), *WORKS[job["kind"]])

    return work_off


@pytest.fixture
def imports(api: Api, work_off: Callable[[dict[str, Any]], str]) -> Imports:
    return Imports(api, work_off)
