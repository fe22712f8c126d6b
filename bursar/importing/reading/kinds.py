"""What a file is, by its first bytes: text, a workbook that can be read, or neither."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from bursar.errors import EmptyFile, UnreadableFile

FileKind = Literal["text", "zip", "ole"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_NOT_TABLES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "a rich-text document"),
    (b"\x7fELF", "a program"),
)
_MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<workbook", b"<svg")


def file_kind(path: Path, file_name: str) -> FileKind:
    """Look at the first bytes.

    Raises EmptyFile and UnreadableFile, which says what the file is instead of a table.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as problem:
        reason = problem.strerror or "it cannot be opened"
        raise UnreadableFile(f"{file_name} cannot be opened: {reason}.") from problem
    if not head.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise EmptyFile(f"{file_name} is empty. Export it again and check that it holds rows.")
    if head.startswith(_OLE):
        return "ole"
    if head.startswith(_ZIP):
        return "zip"
    for magic, what in _NOT_TABLES:
        if head.startswith(magic):
            raise UnreadableFile(f"{file_name} is {what}. Save the table as CSV or XLSX and retry.")
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ").lower()
    if start.startswith(_MARKUP):
        raise UnreadableFile(
            f"{file_name} is a web page or XML, whatever its name says. Open it in a spreadsheet "
            "program and save it as CSV or XLSX."
        )
    return "text"


def workbook_members(path: Path, file_name: str) -> list[str]:
    """The names inside a zip; raises UnreadableFile when it is no workbook or is cut short."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise UnreadableFile(
            f"{file_name} is cut short or damaged. Download or export it again."
        ) from problem
    known = ("xl/workbook.xml", "xl/workbook.bin", "content.xml")
    if not any(name.lower() in known for name in names):
        raise UnreadableFile(
            f"{file_name} is a zip archive but not a workbook. Unpack it and send the table inside."
        )
    return names
