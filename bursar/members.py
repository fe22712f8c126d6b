"""The people of a tenant: who they are, what they may do, and that somebody always administers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    String,
    Uuid,
    column,
    func,
    select,
)
from sqlalchemy.orm import Session

from bursar.errors import (
    DuplicateMember,
    Fault,
    InvalidInput,
    LastAdministrator,
    NotFound,
    OwnRole,
    VersionStale,
)
from bursar.paging import Page, page
from bursar.tenants import create_member
from schema.tables import ApiKey, Membership, Tenant
from schema.tables.tenants import ROLES

# Enough to send a typing error back; whether the address exists only a letter to it would tell.
_EMAIL = re.compile(r"[^@\s\0]+@[^@\s\0]+\.[^@\s\0]+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PEOPLE = func.tenant_members().table_valued(
    column("id", Uuid), column("user_id", Uuid), column("email", String), column("name", String),
    column("role", String), column("created_at", DateTime(timezone=True)),
    column("deleted_at", DateTime(timezone=True)), column("row_version", Integer),
    name="people",
)  # fmt: skip


def list_members(
    session: Session, *, gone: bool = False, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of the members by e-mail address, or of those who have left.

    Rows have `id` (of the membership), `user_id`, `email`, `name`, `role`, `created_at`,
    `deleted_at` and `row_version`.
    """
    left = _PEOPLE.c.deleted_at.is_not(None)
    return page(
        session,
        select(_PEOPLE).where(left if gone else ~left),
        columns={"email": _PEOPLE.c.email},
        key=_PEOPLE.c.id,
        sort="email",
        limit=limit,
        cursor=cursor,
    )


def get_member(session: Session, member_id: UUID) -> Any:
    """A member, as `list_members` shows them, also one who has left. Raises NotFound."""
    found = session.execute(select(_PEOPLE).where(_PEOPLE.c.id == member_id)).first()
    if found is None:
        raise NotFound("There is no such member.")
    return found


def find_by_user(session: Session, user_id: UUID) -> Any:
    """A person of this tenant, as `list_members` has them. Raises NotFound."""
    query = select(_PEOPLE).where(_PEOPLE.c.user_id == user_id, _PEOPLE.c.deleted_at.is_(None))
    found = session.execute(query).first()
    if found is None:
        raise NotFound("There is no such member.")
    return found


def find_by_email(session: Session, email: str) -> Any:
    """The member of an e-mail address, also one who has left; None where there is none."""
    wanted = func.lower(_PEOPLE.c.email) == email.strip().lower()
    return session.execute(select(_PEOPLE).where(wanted)).first()


def add_member(
    session: Session, tenant_id: UUID, email: str, role: str, name: str = ""
) -> tuple[UUID, str | None]:
    """Give a person access: the id of the membership, and a first password where they need one.

    Somebody who was a member before comes back with the password they had. So does somebody who
    is known to the installation from elsewhere, of whom nothing is told here: for them the first
    password opens nothing. Raises InvalidInput, DuplicateMember.
    """
    email, name = email.strip(), name.strip()
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        detail = "This is no e-mail address, such as ana@example.com."
        raise InvalidInput(detail, faults=[Fault("/email", "invalid_email", detail)])
    _require_role(role)
    _hold(session, tenant_id)
    known = find_by_email(session, email)
    if known is None:
        password = secrets.token_urlsafe(15)
        user_id = create_member(session, tenant_id, email, password, role, name)
        session.flush()
        query = select(Membership.id).where(Membership.user_id == user_id)
        return session.execute(query).scalar_one(), password
    if known.deleted_at is None:
        raise DuplicateMember
    back = _membership(session, known.id)
    back.deleted_at, back.role = None, role
    session.flush()
    return back.id, None


def change_role(
    session: Session, tenant_id: UUID, member_id: UUID, version: int, role: str, actor: str
) -> None:
    """Give a member another role.

    Raises NotFound, VersionStale, OwnRole, LastAdministrator, InvalidInput.
    """
    _require_role(role)
    found = _changeable(session, tenant_id, member_id, actor)
    if found.row_version != version:
        raise VersionStale(extra={"current_version": found.row_version})
    if role != "admin":
        _require_other_admin(session, found)
    found.role = role
    session.flush()


def deactivate(session: Session, tenant_id: UUID, member_id: UUID, actor: str) -> None:
    """Take a member's access away. What they did stays, and they can be added again.

    Raises NotFound, OwnRole, LastAdministrator.
    """
    found = _changeable(session, tenant_id, member_id, actor)
    _require_other_admin(session, found)
    found.deleted_at = func.now()
    session.flush()


def names_of(session: Session, actors: Collection[str | None]) -> dict[str, str]:
    """What those who stand in a trail as `user:…` or `key:…` are called, as far as is known."""
    ids: dict[str, list[UUID]] = {"user": [], "key": []}
    for actor in set(actors):
        kind, _, text = (actor or "").partition(":")
        if kind in ids and _UUID.fullmatch(text):
            ids[kind].append(UUID(text))
    names = {}
    if ids["user"]:
        for row in session.execute(select(_PEOPLE).where(_PEOPLE.c.user_id.in_(ids["user"]))):
            names[f"user:{row.user_id}"] = row.name or row.email
    if ids["key"]:
        for key in session.execute(select(ApiKey).where(ApiKey.id.in_(ids["key"]))).scalars():
            if key.name:
                names[f"key:{key.id}"] = f"the key {key.name}"
    return names


def _require_role(role: str) -> None:
    if role not in ROLES:
        detail = f"There is no role {role!r}; the roles are {', '.join(ROLES)}."
        raise InvalidInput(detail, faults=[Fault("/role", "unknown_role", detail)])


def _changeable(session: Session, tenant_id: UUID, member_id: UUID, actor: str) -> Membership:
    _hold(session, tenant_id)
    found = _membership(session, member_id)
    if found.deleted_at is not None:
        raise NotFound("There is no such member.")
    if actor == f"user:{found.user_id}":
        raise OwnRole
    return found


def _hold(session: Session, tenant_id: UUID) -> None:
    """Let one change of members happen at a time: two administrators could demote each other."""
    query = select(Tenant.id).where(Tenant.id == tenant_id)
    session.execute(query.with_for_update(key_share=True))


def _membership(session: Session, member_id: UUID) -> Membership:
    query = select(Membership).where(Membership.id == member_id).with_for_update()
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such member.")
    return found


def _require_other_admin(session: Session, leaving: Membership) -> None:
    if leaving.role != "admin":
        return
    others: ColumnElement[int] = func.count()
    query = select(others).where(
        Membership.role == "admin",
        Membership.deleted_at.is_(None),
        Membership.id != leaving.id,
    )
    if session.execute(query).scalar_one() == 0:
        raise LastAdministrator
