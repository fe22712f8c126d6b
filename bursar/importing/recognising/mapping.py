"""Columns to fields: names, values and one best assignment over all columns, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.fiscal import Period
from bursar.importing.recognising.assigning import assign
from bursar.importing.recognising.confidence import of_column
from bursar.importing.recognising.fitting import describe_values, fit_without_name, value_fit
from bursar.importing.recognising.headers import Header, is_nameless
from bursar.importing.recognising.layouts import (
    PeriodColumn,
    is_wide,
    period_columns,
    revision_rank,
)
from bursar.importing.recognising.matching import NameMatch, match_name
from bursar.importing.recognising.measures import measured, names_budget, sums_of
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.unmapped import beaten, why_left_out
from bursar.importing.recognising.vocabulary import TARGETS, contains, vocabulary
from bursar.importing.recognising.words import tokens

_LEAST = 0.4
_REQUIRED_PULL = {"department": 1.25, "budgeted_amount": 1.25, "fiscal_period": 1.2}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What one column is proposed to be. `confidence` is 0..1, how often such a target,
    or such leaving out, is right.
    """

    index: int
    header: str
    target: str | None
    confidence: float
    reason: str
    samples: tuple[str, ...]
    period: str | None = None

    def to_wire(self) -> dict[str, object]:
        """As the API writes it; `period` only where the column belongs to one."""
        wire: dict[str, object] = {
            "index": self.index,
            "header": self.header,
            "target": self.target,
            "confidence": round(self.confidence, 3),
            "reason": self.reason,
            "samples": list(self.samples),
        }
        if self.period is not None:
            wire["period"] = self.period
        return wire


@dataclass(frozen=True, slots=True)
class Table:
    """What mapping looks at: header, profiles of its columns and a sample of body rows."""

    header: Header
    profiles: tuple[Profile, ...]
    body: Sequence[Sequence[str]]
    context: str
    """Title, sheet and file name as one text."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """The proposal for a whole table."""

    columns: tuple[ColumnMapping, ...]
    layout: str
    budget_words: bool
    """Whether some amount column calls itself a budget."""


def propose(table: Table, year: Period | None, start: int) -> Mapping:
    """Map every column. `year` is the period of the whole table where one is known."""
    found = period_columns(table.header, table.profiles, year, start)
    across = measured(found, table.header, table.profiles, table.body, table.context)
    across = [column for column in across if column.measure]
    if len(across) < 2 and not any(c.measure == "budgeted_amount" for c in across):
        across = []
    budgets_across = [c for c in across if c.measure == "budgeted_amount"]
    taken = {column.index for column in across}
    closed = {"budgeted_amount"} if budgets_across else set()
    if any(c.measure == "actual_amount" for c in across):
        closed.add("actual_amount")
    if is_wide(budgets_across):
        closed |= {"fiscal_period"} if not any(c.part for c in across) else set()
    scores = _scores(table, taken, closed)
    chosen = assign([[s.total for s in scores[target]] for target in TARGETS])
    picks = {
        column: target for target, column in zip(TARGETS, chosen, strict=True) if column is not None
    }
    picks = _fallbacks(table, picks, scores, taken, closed)
    columns = _columns(table, picks, scores, across)
    layout = "wide" if is_wide(budgets_across) else "long"
    words = bool(budgets_across and any(names_budget(c.words) for c in across)) or any(
        target == "budgeted_amount" and names_budget(table.header.names[i])
        for i, target in picks.items()
    )
    return Mapping(columns, layout, words)


@dataclass(frozen=True, slots=True)
class _Score:
    total: float
    confidence: float
    reason: str


def _scores(table: Table, taken: set[int], closed: set[str]) -> dict[str, list[_Score]]:
    result: dict[str, list[_Score]] = {}
    for target in TARGETS:
        row = []
        for i, name in enumerate(table.header.names):
            if i in taken or target in closed:
                row.append(_Score(-1.0, 0.0, ""))
                continue
            label = f"{table.header.groups[i]} {name}" if table.header.groups[i] else name
            match = match_name(name).get(target) or match_name(label).get(target)
            place = i - 4 * revision_rank(name)
            row.append(_score(target, match, table.profiles[i], place, is_nameless(name)))
        result[target] = row
    for i in range(len(table.header.names)):
        best = max(result[target][i].confidence for target in TARGETS)
        for target in TARGETS:
            score = result[target][i]
            if score.confidence < 0.7 * best:
                # A column that plainly is one thing is not pressed into another.
                result[target][i] = _Score(-1.0, score.confidence, "")
    return result


def _score(
    target: str, match: NameMatch | None, profile: Profile, place: int, nameless: bool
) -> _Score:
    fit = value_fit(target, profile)
    by_name = match.score if match else 0.0
    by_value = fit_without_name(target, profile, nameless=nameless)
    confidence = max(by_name * fit, by_value)
    if confidence < _LEAST:
        return _Score(-1.0, confidence, "")
    if match and by_name * fit >= by_value:
        reason = f"The header {match.how}{describe_values(target, profile)}."
    else:
        reason = f"The values say so{describe_values(target, profile)}."
    # Later revisions win ties, then earlier columns: tables put what matters first.
    total = confidence * _REQUIRED_PULL.get(target, 1.0) - 0.0005 * place
    return _Score(total, confidence, reason)


def _fallbacks(
    table: Table,
    picks: dict[int, str],
    scores: dict[str, list[_Score]],
    taken: set[int],
    closed: set[str],
) -> dict[int, str]:
    """Required fields that no header names: the most likely column by its values."""
    picked = set(picks.values())
    free = [i for i in range(len(table.profiles)) if i not in picks and i not in taken]
    if "budgeted_amount" not in picked | closed:
        amounts = [i for i in free if _may_be_money(table, i)]
        if amounts:
            plain = [
                i for i in amounts if table.profiles[i].money or table.profiles[i].has_decimals
            ]
            picks = {**picks, (plain or amounts)[0]: "budgeted_amount"}
    if "department" not in picked:
        picks = _with_department(table, picks, scores, free)
    return picks


def _may_be_money(table: Table, index: int) -> bool:
    profile, name = table.profiles[index], table.header.names[index]
    if not profile.is_amount or profile.typical_size < 100:
        return False
    last = (tokens(name) or ("",))[-1]
    names_none = last not in vocabulary().words["code_marks"] and not _names_something_else(name)
    return is_nameless(name) or names_none


def _with_department(
    table: Table, picks: dict[int, str], scores: dict[str, list[_Score]], free: list[int]
) -> dict[int, str]:
    labels = [
        i
        for i in free
        if table.profiles[i].is_label
        and table.profiles[i].mean_length < 60
        and not _names_something_else(table.header.names[i])
    ]
    unit_like = [i for i in labels if table.profiles[i].departments >= 0.2]
    blank = [i for i in labels if is_nameless(table.header.names[i])]
    category = next((i for i, target in picks.items() if target == "sub_category"), None)
    if unit_like:
        best = max(unit_like, key=lambda i: table.profiles[i].departments)
        return {**picks, best: "department"}
    if category is not None and scores["sub_category"][category].confidence < 0.9:
        # A header such as `Description` says little; what its cells name counts for more.
        profile = table.profiles[category]
        if profile.departments >= 0.5 and profile.departments > profile.items:
            return {**picks, category: "department"}
    if blank and category is None:
        return {**picks, blank[0]: "sub_category"}
    return picks


def _names_something_else(name: str) -> bool:
    strong = max((m.score for m in match_name(name).values()), default=0.0)
    return (
        strong >= 0.6
        or contains(name, "no_measure")
        or contains(name, "income")
        or contains(name, "spoilers")
    )


def _columns(
    table: Table,
    picks: dict[int, str],
    scores: dict[str, list[_Score]],
    across: Sequence[PeriodColumn],
) -> tuple[ColumnMapping, ...]:
    by_index = {column.index: column for column in across}
    result = []
    for i, (name, profile) in enumerate(zip(table.header.names, table.profiles, strict=True)):
        samples = tuple(str(sample)[:80] for sample in profile.samples)
        if i in by_index:
            column = by_index[i]
            reason = f"The header names the period {column.period}" + (
                "." if column.resolved else ", which no calendar resolves yet."
            )
            confidence = 0.9 if column.resolved else 0.55
            sure = of_column(column.measure, confidence)
            result.append(
                ColumnMapping(i, name, column.measure, sure, reason, samples, column.period)
            )
        elif i in picks:
            score = scores[picks[i]][i]
            reason = score.reason or "No header names this field; the values fit it best."
            confidence = max(score.confidence, 0.35) if score.reason else 0.35
            sure = of_column(picks[i], confidence)
            result.append(ColumnMapping(i, name, picks[i], sure, reason, samples))
        else:
            best = max((scores[target][i].confidence for target in TARGETS), default=0.0)
            why = _why(table, picks, scores, across, i)
            sure = of_column(None, max(0.3, 1 - best))
            result.append(ColumnMapping(i, name, None, sure, why, samples))
    return tuple(result)


def _why(
    table: Table,
    picks: dict[int, str],
    scores: dict[str, list[_Score]],
    across: Sequence[PeriodColumn],
    index: int,
) -> str:
    """Why the column is left out."""
    parts = [c.index for c in across if c.measure == "budgeted_amount"]
    if table.profiles[index].is_amount and len(parts) >= 2 and sums_of(table.body, parts, index):
        return "It is the sum of the columns of its periods."
    best = max(TARGETS, key=lambda target: scores[target][index].confidence)
    winner = next((i for i, target in picks.items() if target == best), None)
    if scores[best][index].confidence >= _LEAST and winner is not None:
        return beaten(best, table.header.names[winner])
    return why_left_out(table.header, table.profiles[index], index)
