"""Keyset pages: stable while rows are inserted, and never a scan of what was already shown."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from bursar.errors import Fault, InvalidCursor, InvalidInput
from bursar.plans import without

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
    key: ColumnElement[Any] | Sequence[ColumnElement[Any]],
    sort: str = "-created_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """One page of `query`, sorted by one of `columns` and by `key` (one or several) among equals.

    Raises InvalidInput for an unknown sort field, InvalidCursor.
    """
    ordered, order = _ordered(query, columns, key, sort, cursor)
    most = min(limit, LARGEST_PAGE)
    rows = session.execute(ordered.limit(most + 1)).all()
    more = len(rows) > most
    rows = rows[:most]
    next_cursor = write_cursor(sort, rows[-1][-len(order) :]) if more and rows else None
    return Page(list(rows), next_cursor)


def search(
    session: Session,
    query: Select[*tuple[Any, ...]],
    matches: Callable[[ReadOnlyColumnCollection[str, Any]], ColumnElement[bool]],
    *,
    within: int,
    columns: Mapping[str, ColumnElement[Any]],
    key: ColumnElement[Any] | Sequence[ColumnElement[Any]],
    sort: str = "-created_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of those rows of `query` that match, for what no index can find.

    It looks through `within` rows at most, so a page may have few rows, or none, and a cursor all
    the same: the search goes on behind it. Raises InvalidInput, InvalidCursor.
    """
    ordered, order = _ordered(query, columns, key, sort, cursor)
    number = func.row_number().over(order_by=_directed(order, sort)).label("_place")
    looked_at = ordered.add_columns(number).limit(within).subquery()
    most = min(limit, LARGEST_PAGE)
    matched, place = matches(looked_at.c), looked_at.c["_place"]
    # The last row that is looked at comes along in the same statement: asked for in another one,
    # after rows have come or gone, it would leave some out or show them twice.
    asked = (
        select(looked_at, matched.label("_matched"))
        .where(or_(matched, place == within))
        .order_by(place)
        .limit(most + 1)
    )
    with without(session, "bitmapscan"):  # which would read and sort all, and not a part in order
        rows = session.execute(asked).all()
    behind = rows[most - 1] if len(rows) > most else rows[-1] if rows else None
    if behind is None or (len(rows) <= most and behind._mapping["_place"] < within):
        next_cursor = None
    else:
        values = [behind._mapping[f"_sort{n}"] for n in range(len(order))]
        next_cursor = write_cursor(sort, values)
    return Page([row for row in rows[:most] if row._mapping["_matched"]], next_cursor)


def _ordered(
    query: Select[*tuple[Any, ...]],
    columns: Mapping[str, ColumnElement[Any]],
    key: ColumnElement[Any] | Sequence[ColumnElement[Any]],
    sort: str,
    cursor: str | None,
) -> tuple[Select[*tuple[Any, ...]], tuple[ColumnElement[Any], ...]]:
    """The query in its order from behind the cursor, and what it is ordered by.

    The columns of the order come last, named `_sort0` and so on.
    """
    descending, name = sort.startswith("-"), sort.lstrip("-")
    if name not in columns:
        raise InvalidInput(
            f"The list cannot be sorted by {name!r}.",
            faults=[
                Fault("/sort", "unknown_sort", f"Sort by one of {', '.join(sorted(columns))}.")
            ],
        )
    keys = (key,) if isinstance(key, ColumnElement) else tuple(key)
    order = (columns[name], *keys)
    if cursor is not None:
        after = read_cursor(cursor, sort, [column.type.python_type for column in order])
        # Compared as a row, which an index can start at; `or` would read all that was shown.
        here, there = tuple_(*order), tuple_(*map(_typed, after, order))
        query = query.where(here < there if descending else here > there)
    query = query.add_columns(*(column.label(f"_sort{n}") for n, column in enumerate(order)))
    return query.order_by(*_directed(order, sort)), order


def _directed(order: Sequence[ColumnElement[Any]], sort: str) -> list[ColumnElement[Any]]:
    return [one.desc() if sort.startswith("-") else one.asc() for one in order]


def _typed(value: Any, column: ColumnElement[Any]) -> ColumnElement[Any]:
    return literal(value, column.type)


def write_cursor(sort: str, values: Sequence[Any]) -> str:
    """The place behind a row of a list in this order, as text for the caller."""
    texts = [v.isoformat() if isinstance(v, datetime) else str(v) for v in values]
    return base64.urlsafe_b64encode(json.dumps([sort, *texts]).encode()).decode()


def read_cursor(cursor: str, sort: str, kinds: Sequence[type]) -> list[Any]:
    """What a cursor says, read as the types of its columns. Raises InvalidCursor."""
    try:
        kept_sort, *texts = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if kept_sort != sort or any(not isinstance(t, str) or "\0" in t for t in texts):
            raise InvalidCursor("The cursor belongs to a list in another order.")
        return [_value(text, kind) for text, kind in zip(texts, kinds, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InvalidCursor from None


def _value(text: str, kind: type) -> Any:
    """A text of a cursor as its column has it. Raises ValueError."""
    text.encode()
    if issubclass(kind, datetime):
        return datetime.fromisoformat(text).astimezone(UTC)
    if issubclass(kind, UUID):
        return UUID(text)
    if issubclass(kind, int):
        number = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else 1 << 63
        if abs(number) >= 1 << 63:  # what no column holds
            raise ValueError(text)
        return number
    if issubclass(kind, Decimal):
        if not re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,8})?", text):
            raise ValueError(text)
        return Decimal(text)
    return text
