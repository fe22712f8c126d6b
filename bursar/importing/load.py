"""Rows of a file into the staging table by COPY: as fast as PostgreSQL reads, in flat memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.importing.cleaning import BudgetRow, RejectedRow

_COPY = (
    "copy import_staging (row_no, part, department, sub_category, fiscal_period, currency,"
    " account_code, program, project, fund, owner, notes, external_ref, amount, committed, actual,"
    " errors, cells) from stdin"
)
_ROWS_PER_BLOCK = 2_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
_NEEDS_ESCAPE = frozenset("\\\t\n\r\0")
NULL = "\\N"


def stage(
    session: Session, rows: Iterable[BudgetRow | RejectedRow], each_block: Callable[[int], None]
) -> int:
    """COPY `rows` into a temporary staging table and return how many there were.

    `each_block` hears how many rows have gone so far, and may raise to stop.
    """
    session.execute(text("select import_open_staging()"))
    connection: Any = session.connection().connection.driver_connection
    count = 0
    part, last_row = 0, -1
    block: list[str] = []
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            # One row of a wide layout gives several: they are told apart by their part.
            part = part + 1 if row.row == last_row else 0
            last_row = row.row
            block.append(_line(row, part))
            count += 1
            if len(block) >= _ROWS_PER_BLOCK:
                copy.write("".join(block))
                block.clear()
                each_block(count)
        copy.write("".join(block))
    each_block(count)
    return count


def _line(row: BudgetRow | RejectedRow, part: int) -> str:
    if isinstance(row, RejectedRow):
        errors = [error._asdict() | {"sheet": row.sheet} for error in row.errors]
        tail = f"{_text(json.dumps(errors))}\t{_text(json.dumps(row.cells))}\n"
        return f"{row.row}\t{part}" + f"\t{NULL}" * 14 + "\t" + tail
    number, *texts = row
    return (
        f"{number}\t{part}\t" + "\t".join([NULL if t is None else _text(t) for t in texts])
        + f"\t{NULL}\t{NULL}\n"
    )  # fmt: skip


def _text(value: str) -> str:
    """Escape for COPY's text format; most values need nothing."""
    return value if _NEEDS_ESCAPE.isdisjoint(value) else value.translate(_ESCAPES)
