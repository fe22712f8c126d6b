"""Addresses that events are sent to. A secret is shown when it is made and never again."""

from __future__ import annotations

import base64
import os
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bursar import network, secrets
from bursar.errors import Fault, InvalidInput, NameUnknown, NotFound, VersionStale
from bursar.paging import Page, page
from schema.tables import WebhookDelivery, WebhookEndpoint

# What can be told, by the names that receivers go by.
EVENTS = (
    "budget.import.completed",
    "budget.import.failed",
    "alert.raised",
    "job.failed",
    "webhook.test",
)
# After a rotation receivers have this long to learn the new secret.
OLD_SECRET_HOURS = 24


def create_endpoint(
    session: Session, tenant_id: UUID, url: str, events: list[str], description: str, actor: str
) -> tuple[WebhookEndpoint, str]:
    """An endpoint and its secret. Raises InvalidInput, HostNotAllowed, Misconfigured."""
    endpoint = WebhookEndpoint(
        tenant_id=tenant_id,
        id=uuid4(),
        url=require_url(url),
        events=_require_events(events),
        description=description,
        created_by=actor,
    )
    secret = _new_secret()
    _seal(endpoint, {"secret": secret})
    session.add(endpoint)
    session.flush()
    return endpoint, secret


def change_endpoint(
    session: Session, endpoint: WebhookEndpoint, version: int, changes: dict[str, Any]
) -> WebhookEndpoint:
    """Change what `changes` names. Raises VersionStale, InvalidInput, HostNotAllowed."""
    if endpoint.row_version != version:
        raise VersionStale(extra={"version": endpoint.row_version})
    if "url" in changes:
        changes["url"] = require_url(changes["url"])
    if "events" in changes:
        changes["events"] = _require_events(changes["events"])
    for name, value in changes.items():
        setattr(endpoint, name, value)
    session.flush()
    return endpoint


def rotate_secret(session: Session, endpoint: WebhookEndpoint) -> str:
    """A new secret; for a day messages are signed with the old one too."""
    old = read_secrets(endpoint)[0]
    secret = _new_secret()
    _seal(endpoint, {"secret": secret, "old": old})
    endpoint.old_until = func.now() + timedelta(hours=OLD_SECRET_HOURS)
    session.flush()
    return secret


def read_secrets(endpoint: WebhookEndpoint) -> list[str]:
    """The secret, and the one before it where there is one. Raises SecretUnreadable."""
    content = secrets.unseal(endpoint.tenant_id, endpoint.id, endpoint.ciphertext)
    return [content["secret"], *([content["old"]] if content.get("old") else [])]


def get_endpoint(session: Session, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint:
    """An endpoint of this tenant. Raises NotFound."""
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.id == endpoint_id, WebhookEndpoint.deleted_at.is_(None)
    )
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def list_endpoints(session: Session, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A page of endpoints, newest first."""
    return _newest(session, WebhookEndpoint, WebhookEndpoint.deleted_at.is_(None), limit, cursor)


def list_deliveries(
    session: Session, endpoint_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of what an endpoint was sent, newest first."""
    which = WebhookDelivery.endpoint_id == endpoint_id
    return _newest(session, WebhookDelivery, which, limit, cursor)


def require_url(url: str) -> str:
    """An address that messages may be sent to. Raises InvalidInput, HostNotAllowed."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that hold no address, a port that is no number
        parts, port = urlsplit(""), 0
    wrong = (
        parts.scheme not in ("https", "http") or not parts.hostname
        or "@" in parts.netloc or port == 0
    )  # fmt: skip
    if wrong or any(c.isspace() or not c.isprintable() for c in url):
        raise InvalidInput(
            f"{url!r} is no address to send to.",
            faults=[Fault("/url", "invalid_url", "Write one such as https://example.com/hook.")],
        )
    with suppress(NameUnknown):  # it may be known by the time that there is something to tell
        network.addresses_of(str(parts.hostname), port or 443)
    return url


def _require_events(events: list[str]) -> list[str]:
    unknown = [event for event in events if event not in EVENTS]
    if unknown:
        raise InvalidInput(
            f"There is no event {unknown[0]!r}.",
            faults=[Fault("/events", "unknown_event", f"Use some of: {', '.join(EVENTS)}.")],
        )
    return sorted(set(events))


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def _seal(endpoint: WebhookEndpoint, content: dict[str, Any]) -> None:
    endpoint.ciphertext, endpoint.key_id = secrets.seal(endpoint.tenant_id, endpoint.id, content)


def _newest(session: Session, table: Any, which: Any, limit: int, cursor: str | None) -> Page:
    columns = {"created_at": table.__table__.c.created_at}
    key = table.__table__.c.id
    return page(
        session, select(table).where(which), columns=columns, key=key, limit=limit, cursor=cursor
    )
