"""Tenants, their people and their keys."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from bursar import passwords
from bursar.database import Database
from bursar.errors import InvalidInput, Unauthenticated
from bursar.keys import make_key
from bursar.money import require_currency
from schema.tables import ApiKey, Membership, Tenant

KEY_PATTERN = re.compile(r"bursar_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
# Verified against when there is no such user, so that both answers take the same time.


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a key or a person, within one tenant, in one role.

    `time_zone` is the tenant's, in which people read times; `mark` changes with a password.
    """

    tenant_id: UUID
    actor: str
    role: str
    scopes: tuple[str, ...] = ()
    name: str = ""
    time_zone: str = "UTC"
    mark: str = ""


def create_tenant(
    database: Database,
    name: str,
    *,
    base_currency: str = "USD",
    allowed_currencies: tuple[str, ...] = ("USD", "ZWG"),
    time_zone: str = "UTC",
    fiscal_start_month: int = 1,
) -> UUID:
    """Open a tenant and return its id. Its slug is made from the name.

    Raises UnknownCurrency, InvalidInput.
    """
    if not name.strip():
        raise InvalidInput("A tenant needs a name.")
    for code in (base_currency, *allowed_currencies):
        require_currency(code)
    tenant_id = uuid4()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "tenant"
    with database.transaction(tenant_id, "system") as session:
        session.add(
            Tenant(
                id=tenant_id,
                slug=f"{slug}-{tenant_id.hex[:6]}",
                name=name.strip(),
                base_currency=base_currency,
                allowed_currencies=sorted({base_currency, *allowed_currencies}),
                time_zone=time_zone,
                fiscal_start_month=fiscal_start_month,
            )
        )
    return tenant_id


def get_tenant(session: Session) -> Tenant:
    """The tenant of this transaction."""
    return session.execute(select(Tenant)).scalar_one()


def set_upload_limit(session: Session, limit_bytes: int | None) -> None:
    """Give the tenant an upload limit of its own, in bytes; None takes it away."""
    keep_setting(session, "upload_limit_bytes", limit_bytes)


def hold_tenant(session: Session) -> Tenant:
    """The tenant, whose settings nobody else changes until the transaction ends."""
    query = select(Tenant).with_for_update(key_share=True)
    return session.execute(query.execution_options(populate_existing=True)).scalar_one()


def keep_setting(session: Session, name: str, value: object) -> None:
    """Keep a setting of the tenant's; None takes it away."""
    tenant = hold_tenant(session)
    others = {known: kept for known, kept in tenant.settings.items() if known != name}
    tenant.settings = others if value is None else {**others, name: value}
    session.flush()


def create_key(
    session: Session,
    tenant_id: UUID,
    role: str,
    *,
    name: str = "",
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it: the only time it can be seen.

    Raises InvalidInput for an unknown role, or a day on which it has expired already.
    """
    return make_key(session, tenant_id, role, name=name, expires_at=expires_at)[1]


def find_key(database: Database, key: str) -> Principal:
    """Who this key belongs to. Raises Unauthenticated."""
    match = KEY_PATTERN.fullmatch(key)
    if match is None:
        raise Unauthenticated("The key is not a Bursar key.")
    tenant_id = UUID(match[1])
    with database.transaction(tenant_id) as session:
        row = session.execute(
            select(ApiKey).where(
                ApiKey.tenant_id == tenant_id,
                ApiKey.key_hash == hashlib.sha256(key.encode()).digest(),
                ApiKey.deleted_at.is_(None),
            )
        ).scalar_one_or_none()
        if row is None:
            raise Unauthenticated("The key is unknown or was withdrawn.")
        now = datetime.now(UTC)
        if row.expires_at is not None and row.expires_at <= now:
            raise Unauthenticated("The key has expired.")
        # Once a minute is exact enough, and spares a write on every call.
        if row.last_used_at is None or (now - row.last_used_at).total_seconds() > 60:
            session.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=now))
        return Principal(tenant_id, f"key:{row.id}", row.role, tuple(row.scopes), row.name)


def create_member(
    session: Session, tenant_id: UUID, email: str, password: str, role: str, name: str = ""
) -> UUID:
    """Give a person access to the tenant; makes the person when the e-mail address is new."""
    if "@" not in email:
        raise InvalidInput("A member needs an e-mail address.")
    user_id: UUID = session.execute(
        text("select ensure_user(:email, :name, :hash)"),
        {"email": email, "name": name, "hash": passwords.hash_of(password)},
    ).scalar_one()
    session.add(Membership(tenant_id=tenant_id, user_id=user_id, role=role))
    return user_id


def log_in(database: Database, email: str, password: str) -> Principal:
    """Check a person's password. Raises Unauthenticated with one wording for every cause."""
    with database.transaction(None) as session:
        row = session.execute(
            text("select * from login_candidates(:email) limit 1"), {"email": email}
        ).first()
    if not passwords.matches(row.password_hash if row else None, password) or row is None:
        raise Unauthenticated("The e-mail address or the password is wrong.")
    mark = passwords.mark_of(row.password_hash)
    return Principal(
        row.tenant_id, f"user:{row.user_id}", row.role, name=row.name or email, mark=mark
    )


def find_member(database: Database, tenant_id: UUID, user_id: UUID) -> Principal:
    """The present standing of somebody who logged in before. Raises Unauthenticated."""
    with database.transaction(tenant_id) as session:
        row = session.execute(
            text("select * from member_standing(:user)"), {"user": user_id}
        ).one_or_none()
    if row is None:
        raise Unauthenticated("You no longer have access to this tenant.")
    return Principal(
        tenant_id, f"user:{user_id}", row.role, time_zone=row.time_zone,
        mark=passwords.mark_of(row.password_hash),
    )  # fmt: skip
