"""Writing stored secrets anew when the key changes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar import secrets
from schema.tables import SourceSecret, WebhookEndpoint


def reseal(session: Session, newest: str) -> int:
    """Seal with the newest key what another one has sealed; how many. Raises SecretUnreadable."""
    sources = select(SourceSecret).where(SourceSecret.key_id != newest)
    webhooks = select(WebhookEndpoint).where(WebhookEndpoint.key_id != newest)
    old: list[SourceSecret | WebhookEndpoint] = [
        *session.execute(sources.with_for_update()).scalars(),
        *session.execute(webhooks.with_for_update()).scalars(),
    ]
    for kept in old:
        content = secrets.unseal(kept.tenant_id, kept.id, kept.ciphertext)
        kept.ciphertext, kept.key_id = secrets.seal(kept.tenant_id, kept.id, content)
    session.flush()
    return len(old)
