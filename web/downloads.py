"""Long answers, sent while they are read, and workbooks that leave nothing on the disk."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from flask import Response, send_file
from sqlalchemy.orm import Session

from web.auth import transaction

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def streamed(
    make: Callable[[Session], Iterator[bytes]], mimetype: str, name: str | None = None
) -> Response:
    """Send what `make` yields, in a transaction that lasts until the end or until the caller goes.

    The start is made before the answer begins, so that what goes wrong at once is a problem with a
    status of its own, and a short answer holds no transaction. With a `name` it is a file to keep.
    """
    scope = transaction()

    def blocks() -> Generator[bytes]:
        with scope as session:
            yield from make(session)

    made = blocks()
    begun = list(islice(made, 2))
    if len(begun) < 2:  # all of it: the transaction has ended
        response = Response(begun, mimetype=mimetype)
    else:
        response = Response(chain(begun, made), mimetype=mimetype)
        response.call_on_close(made.close)
    if name is not None:
        response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def json_blocks(
    head: dict[str, Any],
    rows: Iterable[dict[str, Any]],
    tail: Callable[[], dict[str, Any]] = dict,
) -> Iterator[bytes]:
    """`{…head, "data": [rows], …tail}` with one row a line; the tail is asked for at the end."""
    opening = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("}").rstrip()
    block, size = [opening + (",\n" if head else "\n") + '  "data": ['], 0
    between = "\n    "
    for row in rows:
        line = between + json.dumps(row, ensure_ascii=False)
        between = ",\n    "
        block.append(line)
        size += len(line)
        if size > 64 * 1024:
            yield "".join(block).encode()
            block, size = [], 0
    block.append("\n  ]")
    for name, value in tail().items():
        block.append(f",\n  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    yield ("".join(block) + "\n}\n").encode()


def workbook(make: Callable[[Session, Path], None], name: str) -> Response:
    """Send the workbook that `make` writes to a path."""
    folder = Path(tempfile.mkdtemp(prefix="bursar-workbook-"))
    try:
        place = folder / "made.xlsx"
        with transaction() as session:
            make(session, place)
        handle = place.open("rb")  # keeps the bytes until they are sent
    finally:
        shutil.rmtree(folder)
    return send_file(handle, mimetype=XLSX, download_name=name, as_attachment=True)
