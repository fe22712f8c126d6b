"""A tenant's key on a running stack."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import httpx

ENDED = {"completed", "completed_with_errors", "failed", "cancelled", "awaiting_mapping", "planned"}


def csv_of(rows: Iterable[tuple[str, str, str]]) -> bytes:
    """A plain budget file of (department, sub-category, amount) in FY2025."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Department", "Sub Category", "Fiscal Year", "Budget"])
    writer.writerows((d, s, "FY2025", a) for d, s, a in rows)
    return text.getvalue().encode()


class Caller:
    """What a program of one tenant can do."""

    def __init__(self, url: str, key: str, tenant_id: UUID) -> None:
        self.url, self.tenant_id = url, tenant_id
        self.headers = {"Authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=url, headers=self.headers, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        response = self.http.get(f"/api/v1{path}", params=query)
        assert response.is_success, response.text
        return response.json()

    def try_post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex}
        return self.http.post(f"/api/v1{path}", json=body, headers=headers, **options)

    def post(self, path: str, body: Any = None) -> Any:
        response = self.try_post(path, body)
        assert response.is_success, response.text
        return response.json()

    def start_import(self, content: bytes, name: str, **form: str) -> dict[str, Any]:
        response = self.http.post(
            "/api/v1/imports",
            files={"file": (name, content)},
            data=form,
            headers={"Idempotency-Key": uuid4().hex},
        )
        assert response.status_code == 202, response.text
        started: dict[str, Any] = response.json()
        return started

    def import_file(self, content: bytes, name: str, **form: str) -> dict[str, Any]:
        started = self.start_import(content, name, **form)
        ended = ENDED if form.get("apply") == "false" else ENDED - {"planned"}
        return self.follow(started["id"], ended=ended)

    def follow(
        self, import_id: str, *, ended: set[str] = ENDED - {"planned"}, seconds: float = 60
    ) -> dict[str, Any]:
        self.wait(
            lambda: self.get(f"/imports/{import_id}")["state"] in ended, "the import", seconds
        )
        run: dict[str, Any] = self.get(f"/imports/{import_id}")
        return run

    def wait(self, true: Callable[[], object], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.05)
