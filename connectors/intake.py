"""From a source into the file store."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from bursar import files
from connectors.protocol import Connector
from schema.tables import StoredFile


def take_in(
    session: Session, tenant_id: UUID, source: Connector, actor: str, *, limit_bytes: int
) -> list[StoredFile]:
    """Store all files that a source has, in the caller's transaction.

    Raises TooLarge, EmptyFile, and what reading the source raises.
    """
    stored = []
    for arrival in source.list():
        with source.open(arrival) as stream:
            stored.append(
                files.receive(session, tenant_id, arrival.name, stream, actor, limit_bytes)
            )
    return stored
