"""The file store: bytes under their SHA-256, a folder a tenant. Nothing is ever overwritten."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.errors import EmptyFile, NotFound, TooLarge
from schema.tables import StoredFile

CHUNK = 1 << 20


class Stream(Protocol):
    """Whatever bytes can be read from, a piece at a time."""

    def read(self, size: int, /) -> bytes:
        """At most about `size` bytes; empty at the end."""
        ...


def store_root() -> Path:
    """Where the bytes lie."""
    configured = settings().file_store
    return (configured or settings().home / "files").expanduser()


def path_of(tenant_id: UUID, sha256: bytes) -> Path:
    """Where the bytes with this hash lie for this tenant."""
    digest = sha256.hex()
    return store_root() / tenant_id.hex / digest[:2] / digest


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that are in the store."""

    sha256: bytes
    size_bytes: int


def keep(tenant_id: UUID, name: str, source: Stream, limit: int) -> Kept:
    """Take the bytes of a stream into the store, in flat memory; `record` makes a file of them.

    They reach their place by a rename, so a crash leaves no half file under a true name.
    Raises TooLarge beyond `limit` bytes, EmptyFile, and what reading the stream raises.
    """
    folder = store_root() / tenant_id.hex
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    handle, incoming = tempfile.mkstemp(dir=folder, prefix="incoming-")
    try:
        with os.fdopen(handle, "wb") as target:
            for block in _blocks(source):
                size += len(block)
                if size > limit:
                    raise TooLarge(
                        f"{name} is larger than the {limit:,} bytes allowed here. Split it, or ask"
                        " the operator to raise BURSAR_UPLOAD_LIMIT_BYTES or, for sources,"
                        " BURSAR_SOURCE_FILE_LIMIT_BYTES."
                    )
                digest.update(block)
                target.write(block)
            target.flush()
            os.fsync(target.fileno())
        if size == 0:
            raise EmptyFile(f"{name} is empty: it has no bytes at all.")
        place = path_of(tenant_id, digest.digest())
        place.parent.mkdir(exist_ok=True)
        Path(incoming).replace(place)
    except BaseException:
        Path(incoming).unlink(missing_ok=True)
        raise
    return Kept(digest.digest(), size)


def record(session: Session, tenant_id: UUID, name: str, kept: Kept, actor: str) -> StoredFile:
    """Write down that a file of this name came with these bytes."""
    stored = StoredFile(
        tenant_id=tenant_id,
        sha256=kept.sha256,
        size_bytes=kept.size_bytes,
        name=plain_name(name),
        created_by=actor,
    )
    session.add(stored)
    session.flush()
    return stored


def receive(
    session: Session, tenant_id: UUID, name: str, source: Stream, actor: str, limit: int
) -> StoredFile:
    """Take in a file as a stream and record it. Raises what `keep` does."""
    return record(session, tenant_id, name, keep(tenant_id, name, source, limit), actor)


def plain_name(name: str) -> str:
    """The last part of a name, without control characters, short enough for any file system."""
    last = "".join(c for c in Path(name.replace("\0", "")).name if c.isprintable())
    stem, dot, suffix = last.rpartition(".")
    return f"{stem[-120:]}{dot}{suffix[:20]}" if stem else last[:120] or "upload"


def _blocks(source: Stream) -> Iterator[bytes]:
    while block := source.read(CHUNK):
        yield block


def get_file(session: Session, file_id: UUID) -> StoredFile:
    """A file of this tenant. Raises NotFound."""
    stored = session.execute(
        select(StoredFile).where(StoredFile.id == file_id)
    ).scalar_one_or_none()
    if stored is None:
        raise NotFound("There is no such file.")
    return stored


def open_path(stored: StoredFile) -> Path:
    """The bytes of a recorded file, as a path to read. Raises NotFound when they are gone."""
    place = path_of(stored.tenant_id, stored.sha256)
    if not place.is_file():
        raise NotFound(f"The bytes of {stored.name} are not in the file store.")
    return place
