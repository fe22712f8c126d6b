"""Files in and out over HTTP."""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
from pathlib import Path

from flask import Response, request, send_file
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from bursar import files
from bursar.config import settings
from bursar.importing.repairing.sending_back import export_rejected_rows
from bursar.tenants import get_tenant
from connectors import Upload
from connectors.intake import take_in
from schema.tables import ImportRun, StoredFile, Tenant
from web.auth import principal, transaction

ENVELOPE_BYTES = 256 * 1024  # a multipart body is a little larger than the file in it


def receive(session: Session, uploaded: FileStorage) -> StoredFile:
    """Take in an uploaded file. Raises TooLarge, EmptyFile."""
    who = principal()
    (stored,) = take_in(
        session,
        who.tenant_id,
        Upload(uploaded.filename or "", uploaded.stream),
        who.actor,
        limit_bytes=upload_limit(get_tenant(session)),
    )
    return stored


def store_bytes(session: Session, name: str, content: bytes) -> StoredFile:
    """Keep content that came in a request's body as a file. Raises TooLarge, EmptyFile."""
    who = principal()
    (stored,) = take_in(
        session,
        who.tenant_id,
        Upload(name, io.BytesIO(content)),
        who.actor,
        limit_bytes=upload_limit(get_tenant(session)),
    )
    return stored


def admit_large_upload() -> None:
    """Let a request in that is larger than usual, as far as its tenant's own limit goes."""
    with transaction() as session:
        request.max_content_length = upload_limit(get_tenant(session)) + ENVELOPE_BYTES


def upload_limit(tenant: Tenant) -> int:
    """The largest upload of a tenant, in bytes: its own limit, else that of the installation."""
    own = tenant.settings.get("upload_limit_bytes")
    return int(own) if own else settings().upload_limit_bytes


def content_hash(uploaded: FileStorage | None) -> str | None:
    """What an upload is known by when its request comes again: its bytes and its name."""
    if uploaded is None:
        return None
    digest = hashlib.sha256()
    for block in iter(lambda: uploaded.stream.read(files.CHUNK), b""):
        digest.update(block)
    uploaded.stream.seek(0)
    return digest.hexdigest() + (uploaded.filename or "")


def send_rejected(session: Session, run: ImportRun) -> Response:
    """The rejected rows of an import as a download, which leaves nothing on the disk."""
    name = files.get_file(session, run.file_id).name
    folder = Path(tempfile.mkdtemp(prefix="bursar-rejected-"))
    try:
        made = export_rejected_rows(session, run, folder, name)
        handle = made.open("rb")  # keeps the bytes until they are sent
    finally:
        shutil.rmtree(folder)
    return send_file(handle, download_name=made.name, as_attachment=True)
