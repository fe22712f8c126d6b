"""Columns of one name that say different things, of which only one would be read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.questions import Question, column_of
from bursar.importing.recognising.vocabulary import MEASURES
from bursar.importing.values.numbers import looks_numeric

_NUMBER = re.compile(r" #\d+$")  # what tells equal headers apart


def equal_headers(
    columns: Sequence[ColumnMapping], body: Sequence[Sequence[str]]
) -> tuple[Question, ...]:
    """A question for each amount column beside which others of its name hold other amounts."""
    found = []
    for column in columns:
        if column.target not in MEASURES or column.period is not None:
            continue
        twins = [
            other
            for other in columns
            if other.index != column.index
            and _NUMBER.sub("", other.header) == _NUMBER.sub("", column.header)
            and differ(column.index, other.index, body)
        ]
        if twins:
            found.append(column_of([column.header, *(twin.header for twin in twins)]))
    return tuple(found)


def differ(own: int, other: int, body: Sequence[Sequence[str]]) -> bool:
    """Whether some row has other amounts in the second column than in the first."""
    pairs = ((row[own].strip(), row[other].strip()) for row in body if len(row) > max(own, other))
    return any(a != b and looks_numeric(b) for a, b in pairs)
