"""Who belongs to a tenant: added, given another role, taken out; somebody always administers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bursar import members
from bursar.database import Database
from bursar.errors import (
    BursarError,
    DuplicateMember,
    InvalidInput,
    LastAdministrator,
    NotFound,
    OwnRole,
    Unauthenticated,
    VersionStale,
)
from bursar.tenants import create_tenant, find_member, log_in
from schema.tables import AuditLog


@pytest.fixture
def tenant(database: Database) -> UUID:
    """A tenant without anybody."""
    return create_tenant(database, "People")


def somebody() -> str:
    return f"{uuid4().hex}@members.example"


def add(database: Database, tenant: UUID, role: str = "admin", email: str = "") -> UUID:
    with database.transaction(tenant, "test") as session:
        return members.add_member(session, tenant, email or somebody(), role, "Ada")[0]


def test_a_new_member_logs_in_with_the_first_password(database: Database, tenant: UUID) -> None:
    email = somebody()
    with database.transaction(tenant, "test") as session:
        member_id, password = members.add_member(session, tenant, f" {email} ", "fpa", "Ana")
        found = members.get_member(session, member_id)
    assert password is not None
    assert (found.email, found.name, found.role) == (email, "Ana", "fpa")
    assert log_in(database, email.upper(), password).tenant_id == tenant


def test_nobody_is_added_twice_and_who_left_comes_back_with_their_password(
    database: Database, tenant: UUID
) -> None:
    email = somebody()
    add(database, tenant)
    with database.transaction(tenant, "test") as session:
        member_id, password = members.add_member(session, tenant, email, "fpa")
    assert password is not None
    with pytest.raises(DuplicateMember), database.transaction(tenant, "test") as session:
        members.add_member(session, tenant, email.upper(), "admin")
    with database.transaction(tenant, "test") as session:
        members.deactivate(session, tenant, member_id, "shell")
        assert [row.id for row in members.list_members(session, gone=True).rows] == [member_id]
    with pytest.raises(Unauthenticated):
        log_in(database, email, password)
    with database.transaction(tenant, "test") as session:
        assert members.add_member(session, tenant, email, "auditor") == (member_id, None)
    assert log_in(database, email, password).role == "auditor"


def test_the_last_administrator_stays_one(database: Database, tenant: UUID) -> None:
    alone = add(database, tenant)
    add(database, tenant, "fpa")
    for change in (
        lambda session: members.deactivate(session, tenant, alone, "key:x"),
        lambda session: members.change_role(session, tenant, alone, 1, "fpa", "shell"),
    ):
        with pytest.raises(LastAdministrator), database.transaction(tenant, "test") as session:
            change(session)
    second = add(database, tenant)
    with database.transaction(tenant, "test") as session:
        members.deactivate(session, tenant, alone, "shell")
    with pytest.raises(LastAdministrator), database.transaction(tenant, "test") as session:
        members.change_role(session, tenant, second, 1, "member", "shell")


def test_two_administrators_cannot_take_each_other_out_at_once(
    database: Database, tenant: UUID
) -> None:
    both = [add(database, tenant), add(database, tenant)]
    start = Barrier(2)

    def take_out(member_id: UUID) -> str:
        start.wait()
        try:
            with database.transaction(tenant, "test") as session:
                members.deactivate(session, tenant, member_id, "shell")
        except BursarError as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take_out, both)) == ["done", "last_administrator"]


def test_nobody_changes_their_own_standing(database: Database, tenant: UUID) -> None:
    mine = add(database, tenant)
    add(database, tenant)
    with database.transaction(tenant, "test") as session:
        me = f"user:{members.get_member(session, mine).user_id}"
    with pytest.raises(OwnRole), database.transaction(tenant, me) as session:
        members.change_role(session, tenant, mine, 1, "fpa", me)
    with pytest.raises(OwnRole), database.transaction(tenant, me) as session:
        members.deactivate(session, tenant, mine, me)


def test_a_role_changes_once_a_version_and_holds_at_once(database: Database, tenant: UUID) -> None:
    add(database, tenant)
    other = add(database, tenant, "member")
    with database.transaction(tenant, "test") as session:
        members.change_role(session, tenant, other, 1, "approver", "shell")
        user_id = members.get_member(session, other).user_id
    assert find_member(database, tenant, user_id).role == "approver"
    with pytest.raises(VersionStale), database.transaction(tenant, "test") as session:
        members.change_role(session, tenant, other, 1, "admin", "shell")


@pytest.mark.parametrize("email", ["", "ana", "ana@", "a b@c.example", f"{'a' * 250}@b.example"])
def test_what_is_no_address_is_refused(database: Database, tenant: UUID, email: str) -> None:
    with pytest.raises(InvalidInput) as refused, database.transaction(tenant, "test") as session:
        members.add_member(session, tenant, email, "fpa")
    assert refused.value.faults[0].pointer == "/email"


def test_another_tenant_sees_and_changes_nobody(database: Database, tenant: UUID) -> None:
    member_id = add(database, tenant)
    stranger = create_tenant(database, "Stranger")
    with database.transaction(stranger, "test") as session:
        assert members.list_members(session).rows == []
        assert members.names_of(session, [f"user:{member_id}", None, "system"]) == {}
    for change in (
        lambda session: members.deactivate(session, stranger, member_id, "shell"),
        lambda session: members.change_role(session, stranger, member_id, 1, "fpa", "shell"),
    ):
        with pytest.raises(NotFound), database.transaction(stranger, "test") as session:
            change(session)


def test_who_is_known_from_elsewhere_keeps_their_password(database: Database, tenant: UUID) -> None:
    email = somebody()
    with database.transaction(tenant, "test") as session:
        own = members.add_member(session, tenant, email, "fpa", "Ana")[1]
    other = create_tenant(database, "Other")
    with database.transaction(other, "test") as session:
        given = members.add_member(session, other, email, "admin", "Eve")[1]
    assert own is not None
    assert given is not None
    assert log_in(database, email, own).tenant_id == tenant
    with pytest.raises(Unauthenticated):
        log_in(database, email, given)


def test_the_trail_says_who_changed_what_and_holds_no_secret(
    database: Database, tenant: UUID
) -> None:
    add(database, tenant)
    other = add(database, tenant, "member")
    with database.transaction(tenant, "user:boss") as session:
        members.change_role(session, tenant, other, 1, "fpa", "user:boss")
    with database.transaction(tenant, "user:boss") as session:
        members.deactivate(session, tenant, other, "user:boss")
    query = select(AuditLog).where(AuditLog.object_id == other).order_by(AuditLog.recorded_at)
    with database.transaction(tenant, "test") as session:
        added, changed, left = session.execute(query).scalars()
    assert (added.actor, added.action, changed.actor) == ("test", "insert", "user:boss")
    assert changed.diff == {"role": ["member", "fpa"]}
    assert list(left.diff or {}) == ["deleted_at"]
