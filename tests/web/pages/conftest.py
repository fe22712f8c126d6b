"""Pages as a member's browser sees them, without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from flask import Flask
from werkzeug.test import TestResponse

from bursar.database import Database
from bursar.tenants import create_member

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of members log in here; a hash that is costly to guess costs a tenth of a second."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("bursar.passwords.HASHER", hasher)


class Visitor:
    """A browser: keeps its cookies, and sends forms with the token of a page it has seen."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, **query: str) -> TestResponse:
        return self.client.get(path, query_string=query)

    def token(self, path: str = "/login") -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found is not None, path
        return found[1]

    def send(self, path: str, /, seen: str | None = None, **fields: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(seen or "/login"), **fields})

    def log_in(self, email: str, password: str = PASSWORD, target: str = "/") -> TestResponse:
        return self.send("/login", email=email, password=password, next=target)

    def upload(self, content: bytes, name: str = "budget.csv") -> TestResponse:
        return self.send("/imports/new", file=(BytesIO(content), name))


MakeVisitor = Callable[..., Visitor]


@pytest.fixture
def make_member(database: Database, tenant_id: UUID) -> Callable[..., str]:
    """Makes a member in a role and returns the e-mail address."""

    def make(role: str = "admin", tenant: UUID | None = None) -> str:
        email = f"{uuid4().hex}@pages.example"
        chosen = tenant or tenant_id
        with database.transaction(chosen, "test") as session:
            create_member(session, chosen, email, PASSWORD, role, "Mia Member")
        return email

    return make


@pytest.fixture
def make_visitor(app: Flask, make_member: Callable[..., str]) -> MakeVisitor:
    """Makes a visitor who is logged in, in a role."""

    def make(role: str = "admin", tenant: UUID | None = None) -> Visitor:
        visitor = Visitor(app)
        assert visitor.log_in(make_member(role, tenant)).status_code == 303
        return visitor

    return make


@pytest.fixture
def visitor(make_visitor: MakeVisitor) -> Visitor:
    """The test tenant's administrator, logged in."""
    return make_visitor()
