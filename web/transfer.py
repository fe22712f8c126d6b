"""Files in and out over HTTP."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from flask import Response, send_file
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from bursar import files
from bursar.config import settings
from bursar.importing.sending_back import export_rejected_rows
from connectors import Upload
from connectors.intake import take_in
from schema.tables import ImportRun, StoredFile
from web.auth import principal


def receive(session: Session, uploaded: FileStorage) -> StoredFile:
    """Take in an uploaded file. Raises TooLarge, EmptyFile."""
    who = principal()
    (stored,) = take_in(
        session,
        who.tenant_id,
        Upload(uploaded.filename or "", uploaded.stream),
        who.actor,
        limit_bytes=settings().upload_limit_bytes,
    )
    return stored


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
