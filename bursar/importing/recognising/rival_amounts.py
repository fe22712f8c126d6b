"""Columns of amounts of which any may be the budget, while only one would be read."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.importing.recognising.equal_headers import differ
from bursar.importing.recognising.fallbacks import may_be_money
from bursar.importing.recognising.layouts import revision_rank
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.measures import sums_of
from bursar.importing.recognising.questions import Question, budget_of
from bursar.importing.recognising.scoring import LEAST, Table
from bursar.importing.recognising.tongues import languages_of
from bursar.importing.recognising.vocabulary import contains
from bursar.importing.recognising.words import tokens

_NAMED = 0.7  # of a header that calls its column a budget


def rival_amounts(columns: Sequence[ColumnMapping], table: Table) -> tuple[Question, ...]:
    """A question where no header, or several, say which column is the budget. None where the one
    that would be read is the sum of the others.
    """
    budgets = [column for column in columns if column.target == "budgeted_amount"]
    found = [
        _asked(group, table)
        for group in _of_one_period(budgets)
        if len(group) > 1 and _are_equal_revisions(group)
    ]
    if len(budgets) == 1 and budgets[0].period is None:
        found.append(_asked([budgets[0], *_rivals(budgets[0], columns, table)], table))
    return tuple(question for question in found if question is not None)


def _asked(group: Sequence[ColumnMapping], table: Table) -> Question | None:
    chosen, others = group[0], group[1:]
    rivals = [other for other in others if differ(chosen.index, other.index, table.body)]
    if not rivals or sums_of(table.body, [rival.index for rival in rivals], chosen.index):
        return None
    return budget_of([column.header for column in (chosen, *rivals)])


def _of_one_period(budgets: Sequence[ColumnMapping]) -> list[list[ColumnMapping]]:
    groups: dict[str, list[ColumnMapping]] = {}
    for column in budgets:
        if column.period is not None:
            groups.setdefault(column.period, []).append(column)
    return list(groups.values())


def _are_equal_revisions(group: Sequence[ColumnMapping]) -> bool:
    """Whether no word such as `revised` tells which of several columns counts."""
    return len({revision_rank(column.header) for column in group}) == 1


def _rivals(
    chosen: ColumnMapping, columns: Sequence[ColumnMapping], table: Table
) -> list[ColumnMapping]:
    """Columns that are left out, and called budgets no less than the chosen one."""
    score = _calls_itself_budget(chosen, table)
    free = [column for column in columns if column.target is None and column.period is None]
    if score < LEAST:
        return [column for column in free if may_be_money(table, column.index)]
    rank = revision_rank(chosen.header)
    least = _NAMED if len(tokens(chosen.header)) > 1 else 1.0
    return [
        column
        for column in free
        if table.profiles[column.index].is_amount
        and "%" not in column.header
        and not contains(column.header, "no_measure")
        and not contains(column.header, "income")
        and revision_rank(column.header) == rank
        and score >= _NAMED
        and _calls_itself_budget(column, table) >= least
    ]


def _calls_itself_budget(column: ColumnMapping, table: Table) -> float:
    match = match_name(column.header, languages_of(table.header.names)).get("budgeted_amount")
    return match.score if match is not None else 0.0
