"""Writing stored secrets anew when the key changes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar import secrets
from schema.tables import SourceSecret


def reseal(session: Session, newest: str) -> int:
    """Seal with the newest key what another one has sealed; how many. Raises SecretUnreadable."""
    query = select(SourceSecret).where(SourceSecret.key_id != newest).with_for_update()
    kept = list(session.execute(query).scalars())
    for one in kept:
        content = secrets.unseal(one.tenant_id, one.id, one.ciphertext)
        one.ciphertext, one.key_id = secrets.seal(one.tenant_id, one.id, content)
    session.flush()
    return len(kept)
