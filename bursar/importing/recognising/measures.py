"""What the amount columns of a wide table measure: budget, commitment, spending, or a mere sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bursar.importing.recognising.headers import Header
from bursar.importing.recognising.layouts import PeriodColumn, add_up, contains_period, measure_of
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import contains
from bursar.importing.values.numbers import DecimalMark, NotANumber, parse_number

Rows = Sequence[Sequence[str]]


def names_budget(text: str) -> bool:
    """Whether the words call something a budget."""
    match = match_name(text).get("budgeted_amount")
    return match is not None and match.score >= 0.6


def measured(
    columns: Sequence[PeriodColumn],
    header: Header,
    profiles: Sequence[Profile],
    body: Rows,
    context: str,
) -> list[PeriodColumn]:
    """Decide the measure of each period column; those that repeat sums of others are left out.

    `context` is title, sheet and file name. Bare months beside a budget column are spending unless
    they add up to it.
    """
    default = "budgeted_amount"
    if contains(context, "actual_flags") and not names_budget(context):
        default = "actual_amount"
    bare = [c for c in columns if not c.words.strip()]
    if bare and not any(names_budget(c.words) for c in columns):
        across = {c.index for c in columns}
        beside = [
            i
            for i, name in enumerate(header.names)
            if i not in across
            and profiles[i].is_amount
            and (match := match_name(name).get("budgeted_amount")) is not None
            and match.score >= 0.75
        ]
        if beside and not sums_of(body, [c.index for c in bare], beside[0]):
            default = "actual_amount"
    explicit = sum(names_budget(c.words) for c in columns) >= 2
    known = [
        replace(c, measure=measure_of(c.words, None if explicit and c.words.strip() else default))
        for c in columns
    ]
    return [c for c in known if not _is_sum_of_others(c, known, body)]


def sums_of(body: Rows, parts: Sequence[int], whole: int) -> bool:
    """Whether the columns `parts` add up to the column `whole` in most rows."""
    return add_up(
        [[rough(row, i) for i in parts] for row in body], [rough(row, whole) for row in body]
    )


def _is_sum_of_others(column: PeriodColumn, across: Sequence[PeriodColumn], body: Rows) -> bool:
    """A year's column beside its own months or quarters repeats them."""
    parts = [
        other.index
        for other in across
        if other.measure == column.measure and contains_period(column, other)
    ]
    return len(parts) >= 2 and sums_of(body, parts, column.index)


def rough(row: Sequence[str], index: int) -> float | None:
    """Only to compare sums; never stored."""
    if index >= len(row) or not row[index].strip():
        return None
    try:
        return float(parse_number(row[index], DecimalMark.POINT))
    except NotANumber:
        return None
