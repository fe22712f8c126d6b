"""The API as a test calls it: with a key, JSON bodies and fresh idempotency keys."""

from typing import Any
from uuid import uuid4

from flask import Flask
from werkzeug.test import TestResponse


class Api:
    """A caller with a key."""

    def __init__(self, app: Flask, key: str) -> None:
        self.key = key
        self._client = app.test_client()

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", uuid4().hex)
        return self._client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.call("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        if body is not None:
            options["json"] = body
        return self.call("POST", path, **options)

    def patch(self, path: str, body: Any, version: object | None) -> TestResponse:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self.call("PATCH", path, json=body, headers=headers)

    def upload(self, path: str, content: bytes, name: str = "budget.csv", **form: str) -> Any:
        import io

        return self.call("POST", path, data={"file": (io.BytesIO(content), name), **form})


def code_of(response: TestResponse) -> tuple[int, str]:
    """Status and code of a refusal, after making sure that it is a problem in full."""
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == response.status_code
    assert problem["request_id"]
    assert problem["detail"]
    return response.status_code, problem["code"]
