"""Keys of programs: made, listed without themselves, withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bursar import keys
from bursar.database import Database
from bursar.errors import InvalidInput, NotFound, Unauthenticated
from bursar.tenants import create_tenant, find_key
from schema.tables import AuditLog


@pytest.fixture
def tenant(database: Database) -> UUID:
    """A tenant without keys."""
    return create_tenant(database, "Keys")


def test_a_key_opens_until_it_is_withdrawn(database: Database, tenant: UUID) -> None:
    with database.transaction(tenant, "user:boss") as session:
        made, key = keys.make_key(session, tenant, "service", name="Till")
        key_id = made.id
        assert (made.hint, keys.state_of(made)) == (key[-4:], "active")
    assert find_key(database, key).role == "service"
    with database.transaction(tenant, "user:boss") as session:
        assert keys.list_keys(session).rows[0].last_used_at is not None
        assert keys.state_of(keys.withdraw_key(session, key_id)) == "withdrawn"
    with database.transaction(tenant, "user:boss") as session:
        first = keys.get_key(session, key_id).deleted_at
        assert keys.withdraw_key(session, key_id).deleted_at == first
    with pytest.raises(Unauthenticated, match="withdrawn"):
        find_key(database, key)
    query = select(AuditLog).where(AuditLog.object_id == key_id).order_by(AuditLog.recorded_at)
    with database.transaction(tenant, "test") as session:
        trail = list(session.execute(query).scalars())
    assert [(row.actor, row.action) for row in trail] == [
        ("user:boss", "insert"), ("user:boss", "update"),
    ]  # fmt: skip
    assert key not in str([row.diff for row in trail])
    assert "key_hash" not in str([row.diff for row in trail])


def test_a_key_expires(database: Database, tenant: UUID) -> None:
    now = datetime.now(UTC)
    with database.transaction(tenant, "test") as session:
        made, _ = keys.make_key(session, tenant, "service", expires_at=now + timedelta(days=1))
        made.expires_at = now - timedelta(seconds=1)
        assert keys.state_of(made) == "expired"
        for wrong in ({"role": "king"}, {"role": "admin", "expires_at": now}):
            with pytest.raises(InvalidInput):
                keys.make_key(session, tenant, **wrong)  # type: ignore[arg-type]


def test_another_tenant_withdraws_nothing(database: Database, tenant: UUID) -> None:
    with database.transaction(tenant, "test") as session:
        key_id = keys.make_key(session, tenant, "admin")[0].id
    stranger = create_tenant(database, "Stranger")
    with database.transaction(stranger, "test") as session:
        assert keys.list_keys(session).rows == []
        for unknown in (key_id, uuid4()):
            with pytest.raises(NotFound):
                keys.withdraw_key(session, unknown)
