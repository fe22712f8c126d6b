"""Rows of a file into the staging table by COPY: as fast as PostgreSQL reads, in flat memory."""

from __future__ import annotations

import csv
import gc
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from psycopg.errors import Diagnostic, QueryCanceled
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.errors import ImportTimedOut
from bursar.importing.cleaning.clean import BudgetRow, RejectedRow

# Texts are never empty here, so an empty field can stand for null. COPY's text format and not its
# CSV: servers before PostgreSQL 18 take a line with nothing but \. in a quoted text for the end.
_COPY = (
    "copy import_staging (row_no, department, sub_category, fiscal_period, currency, account_code,"
    " program, project, fund, owner, notes, external_ref, amount, committed, actual, part, errors,"
    " cells) from stdin (null '')"
)
_ROWS_PER_BLOCK = 2_000
_NO_ROW = (None,) * (len(BudgetRow._fields) - 1)


def stage(
    session: Session, rows: Iterable[BudgetRow | RejectedRow], each_block: Callable[[int], None]
) -> int:
    """COPY `rows` into a temporary staging table and return how many there were.

    `each_block` hears how many rows have gone so far, and may raise to stop.
    """
    session.execute(text("select import_open_staging()"))
    connection = _connection(session)
    count = 0
    records = _records(rows)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy, rare_collections():
        while block := list(islice(records, _ROWS_PER_BLOCK)):
            copy.write(_written(block))
            count += len(block)
            each_block(count)
    each_block(count)
    return count


def _written(block: Sequence[tuple[Any, ...]]) -> str:
    """A block as COPY reads it. The csv module writes and escapes rows in half the time that
    joining them takes.
    """
    buffer = io.StringIO()
    csv.writer(
        buffer, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None,
        escapechar="\\",
    ).writerows(block)  # fmt: skip
    text = buffer.getvalue()
    if "\r" in text or "\0" in text:
        return _written([tuple(map(_sound, record)) for record in block])
    return text


def _sound(value: Any) -> Any:
    """Without NUL, which PostgreSQL cannot store, and with lines that end in one way."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def _records(rows: Iterable[BudgetRow | RejectedRow]) -> Iterator[tuple[Any, ...]]:
    """One record a row. One row of a wide layout gives several, told apart by their part."""
    part, last_row = 0, -1
    for row in rows:
        number = row[0]
        part = part + 1 if number == last_row else 0
        last_row = number
        if type(row) is BudgetRow:
            yield (*row, part, None, None)
        elif isinstance(row, RejectedRow):
            errors = [error._asdict() | {"sheet": row.sheet} for error in row.errors]
            yield (number, *_NO_ROW, part, _json(errors), _json(row.cells))


def _json(value: object) -> str:
    """JSON that PostgreSQL stores: it knows no NUL character."""
    written = json.dumps(value)
    return json.dumps(_without_nul(value)) if "\\u0000" in written else written


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {name: _without_nul(one) for name, one in value.items()}
    return [_without_nul(one) for one in value] if isinstance(value, list | tuple) else value


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles of garbage rarely while a file's rows come and go: there are none in them,
    and looking took as long as reading.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def told_rows(session: Session, heard: Callable[[int], None]) -> Iterator[None]:
    """Let `heard` know how many rows more a long statement has done, while it runs."""

    def notice(diagnostic: Diagnostic) -> None:
        if diagnostic.message_primary == "import_rows":
            heard(int(diagnostic.message_detail or 0))

    connection = _connection(session)
    connection.add_notice_handler(notice)
    try:
        yield
    finally:
        connection.remove_notice_handler(notice)


@contextmanager
def limited_statements(session: Session) -> Iterator[None]:
    """Give each statement of this transaction the time that imports have, whatever is usual.

    Raises ImportTimedOut.
    """
    seconds = settings().import_timeout_seconds
    session.execute(
        text("select set_config('statement_timeout', :limit, true)"),
        {"limit": f"{seconds}s"},
    )
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, QueryCanceled) or "timeout" not in str(error.orig):
            raise
        raise ImportTimedOut(
            f"A statement of the import took longer than {seconds} seconds, so nothing was loaded."
            " Raise BURSAR_IMPORT_TIMEOUT_SECONDS, or send the file in parts."
        ) from None


def _connection(session: Session) -> Any:
    return session.connection().connection.driver_connection
