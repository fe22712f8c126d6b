"""Who is asking: a bearer key or a logged-in session, and what their role allows."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from flask import g, request, session

from bursar.config import settings
from bursar.database import database
from bursar.errors import Forbidden, Unauthenticated
from bursar.tenants import Principal, find_key, find_member

View = TypeVar("View", bound=Callable[..., Any])

READ, CHECK, SPEND, APPROVE, FUND, EDIT, IMPORT, OPERATE, AUDIT, ADMIN = (
    "read", "check", "spend", "approve", "fund", "edit", "import", "operate", "audit", "admin",
)  # fmt: skip

# What each role may do. A partner is limited to its own party; until budgets of parties can be
# told apart, that role may do nothing here.
PERMISSIONS: dict[str, frozenset[str]] = {
    "admin": frozenset({READ, CHECK, SPEND, APPROVE, FUND, EDIT, IMPORT, OPERATE, AUDIT, ADMIN}),
    "fpa": frozenset({READ, CHECK, SPEND, APPROVE, FUND, EDIT, IMPORT, OPERATE}),
    "approver": frozenset({READ, CHECK, SPEND, APPROVE}),
    "member": frozenset({READ, CHECK, SPEND}),
    "service": frozenset({READ, CHECK, SPEND, IMPORT}),
    "auditor": frozenset({READ, AUDIT}),
    "partner": frozenset(),
}

# How long a key's or member's standing is believed without asking again. A withdrawn key works
# for at most this long.
STANDING_SECONDS = 5.0
_standing: dict[object, tuple[float, Principal]] = {}
_lock = threading.Lock()


def _remembered(key: object, find: Callable[[], Principal]) -> Principal:
    now = time.monotonic()
    with _lock:
        kept = _standing.get(key)
    if kept is not None and kept[0] > now:
        return kept[1]
    found = find()
    with _lock:
        if len(_standing) > 10_000:
            _standing.clear()
        _standing[key] = (now + STANDING_SECONDS, found)
    return found


def forget_member(tenant_id: UUID, user_id: UUID) -> None:
    """Ask anew how a member stands, because they have just changed it here."""
    with _lock:
        _standing.pop((tenant_id, user_id), None)


def from_bearer() -> Principal | None:
    """The owner of the bearer key of this request, None without one. Raises Unauthenticated."""
    header = request.headers.get("Authorization", "")
    if not header:
        return None
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("Send the key as `Authorization: Bearer <key>`.")
    digest = hashlib.sha256(key.encode()).digest()  # the key itself is not kept in memory
    return _remembered(digest, lambda: find_key(database(), key.strip()))


def from_session() -> Principal | None:
    """The member who is logged in by cookie, None when nobody is."""
    if "user" not in session:
        return None
    tenant_id, user_id = UUID(session["tenant"]), UUID(session["user"])
    try:
        found = _remembered(
            (tenant_id, user_id), lambda: find_member(database(), tenant_id, user_id)
        )
        if found.mark != session.get("mark"):  # it may be the session that is newer
            found = find_member(database(), tenant_id, user_id)
    except Unauthenticated:
        session.clear()
        return None
    if found.mark != session.get("mark"):  # the password was changed elsewhere
        session.clear()
        return None
    return found


def principal() -> Principal:
    """Who is asking in this request. Raises Unauthenticated."""
    found: Principal | None = g.get("principal")
    if found is None:
        raise Unauthenticated("Log in, or send a key as `Authorization: Bearer <key>`.")
    return found


def allows(role: str, permission: str) -> bool:
    """Whether a role has a permission."""
    return permission in PERMISSIONS[role]


def of_operator(who: Principal) -> bool:
    """Whether somebody's tenant may look at, and change, what belongs to all tenants here."""
    listed = {part.strip() for part in settings().operator_tenants.split(",")} - {""}
    return not listed or str(who.tenant_id) in listed


def require(permission: str) -> Callable[[View], View]:
    """Let a view run only for roles with `permission`; `guard` holds every request to it."""

    def decorate(view: View) -> View:
        view.__permission__ = permission  # type: ignore[attr-defined]
        return view

    return decorate


def guard(view: Callable[..., Any] | None) -> None:
    """Refuse the request of somebody whose role may not call `view`, before its body is looked at.

    Raises Unauthenticated, Forbidden.
    """
    permission: str | None = getattr(view, "__permission__", None)
    if permission is None:
        return
    role = principal().role
    if not allows(role, permission):
        raise Forbidden(f"The role {role} may not do this; it needs `{permission}`.")


def known_as() -> str:
    """The name of who is asking, for people to read."""
    who = principal()
    if who.actor.startswith("user:"):
        return str(session.get("name") or "a member")
    return f"the key {who.name}" if who.name else "an API key"


def transaction() -> Any:
    """A transaction of the asking tenant, in the asking actor's name."""
    who = principal()
    return database().transaction(who.tenant_id, who.actor, g.request_id)
