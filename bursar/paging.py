"""Keyset pages: stable while rows are inserted, and never a scan of what was already shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_
from sqlalchemy.orm import Session

from bursar.errors import Fault, InvalidCursor, InvalidInput

LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list and the cursor of the next, None at the end."""

    rows: list[Any]
    next_cursor: str | None


def page(
    session: Session,
    query: Select[*tuple[Any, ...]],
    *,
    columns: Mapping[str, ColumnElement[Any]],
    key: ColumnElement[Any],
    sort: str = "-created_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """One page of `query`, sorted by one of `columns` and by `key` (a UUID) among equals.

    Raises InvalidInput for an unknown sort field, InvalidCursor.
    """
    descending, name = sort.startswith("-"), sort.lstrip("-")
    if name not in columns:
        raise InvalidInput(
            f"The list cannot be sorted by {name!r}.",
            faults=[
                Fault("/sort", "unknown_sort", f"Sort by one of {', '.join(sorted(columns))}.")
            ],
        )
    column = columns[name]
    if cursor is not None:
        value, after = _read(cursor, sort, column.type.python_type)
        beyond = column < value if descending else column > value
        beyond_key = key < after if descending else key > after
        query = query.where(or_(beyond, and_(column == value, beyond_key)))
    order = (column.desc(), key.desc()) if descending else (column.asc(), key.asc())
    rows = session.execute(
        query.add_columns(column.label("_sort"), key.label("_key"))
        .order_by(*order)
        .limit(min(limit, LARGEST_PAGE) + 1)
    ).all()
    more = len(rows) > min(limit, LARGEST_PAGE)
    rows = rows[: min(limit, LARGEST_PAGE)]
    next_cursor = _write(sort, rows[-1]._sort, rows[-1]._key) if more and rows else None
    return Page(list(rows), next_cursor)


def _write(sort: str, value: Any, key: UUID) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return base64.urlsafe_b64encode(json.dumps([sort, text, str(key)]).encode()).decode()


def _read(cursor: str, sort: str, kind: type) -> tuple[Any, UUID]:
    """What a cursor says, read as the type of its column. Raises InvalidCursor."""
    try:
        kept_sort, text, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if kept_sort != sort or not isinstance(text, str) or "\0" in text:
            raise InvalidCursor("The cursor belongs to a list in another order.")
        text.encode()
        value: Any = text
        if issubclass(kind, datetime):
            value = datetime.fromisoformat(text).astimezone(UTC)
        elif issubclass(kind, int):
            value = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
        elif issubclass(kind, Decimal):
            value = Decimal(text) if re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,8})?", text) else None
        after = UUID(key)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InvalidCursor from None
    if value is None:
        raise InvalidCursor
    return value, after
