"""The keys of a tenant's programs: make one, list them, withdraw one."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidInput, NotFound
from bursar.paging import Page, page
from schema.tables import ApiKey
from schema.tables.tenants import ROLES


def make_key(
    session: Session,
    tenant_id: UUID,
    role: str,
    *,
    name: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key: its row, and the key itself, which can be seen only now.

    The key names its tenant, so it is looked up behind that tenant's wall. It carries 256 random
    bits, so a plain hash keeps it safe at rest. Raises InvalidInput for an unknown role, or a time
    that is past.
    """
    if role not in ROLES:
        detail = f"There is no role {role!r}; the roles are {', '.join(ROLES)}."
        raise InvalidInput(detail, faults=[Fault("/role", "unknown_role", detail)])
    if expires_at is not None and expires_at <= datetime.now(UTC):
        detail = "The key would have expired already; choose a later day."
        raise InvalidInput(detail, faults=[Fault("/expires_at", "not_future", detail)])
    key = f"bursar_{tenant_id.hex}_{secrets.token_urlsafe(32)}"
    row = ApiKey(
        tenant_id=tenant_id,
        name=name,
        key_hash=hashlib.sha256(key.encode()).digest(),
        hint=key[-4:],
        role=role,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return row, key


def list_keys(session: Session, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A page of the tenant's keys, newest first, those that were withdrawn too."""
    found = page(
        session,
        select(ApiKey),
        columns={"created_at": ApiKey.__table__.c.created_at},
        key=ApiKey.__table__.c.id,
        limit=limit,
        cursor=cursor,
    )
    return Page([row.ApiKey for row in found.rows], found.next_cursor)


def get_key(session: Session, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """A key of this tenant. Raises NotFound."""
    query = select(ApiKey).where(ApiKey.id == key_id)
    if lock:
        query = query.with_for_update()
    found = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such key.")
    return found


def withdraw_key(session: Session, key_id: UUID) -> ApiKey:
    """Let a key open nothing any more; one that was withdrawn stays so. Raises NotFound.

    Processes that have just seen it believe in it for some seconds more.
    """
    found = get_key(session, key_id, lock=True)
    if found.deleted_at is None:
        found.deleted_at = func.now()
        session.flush()
        session.refresh(found)
    return found


def state_of(key: ApiKey) -> str:
    """Whether a key is `active`, `expired` or `withdrawn`."""
    if key.deleted_at is not None:
        return "withdrawn"
    expired = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return "expired" if expired else "active"
