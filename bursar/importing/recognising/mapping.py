"""Columns to fields: names, values and one best assignment over all columns, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.fiscal import Period
from bursar.importing.recognising.assigning import assign
from bursar.importing.recognising.confidence import of_column
from bursar.importing.recognising.fallbacks import with_fallbacks
from bursar.importing.recognising.layouts import PeriodColumn, is_wide, period_columns
from bursar.importing.recognising.measures import measured, names_budget, sums_of
from bursar.importing.recognising.scoring import LEAST, Score, Table, scores_of
from bursar.importing.recognising.unmapped import beaten, why_left_out
from bursar.importing.recognising.vocabulary import TARGETS


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
    scores = scores_of(table, taken, closed)
    chosen = assign([[s.total for s in scores[target]] for target in TARGETS])
    picks = {
        column: target for target, column in zip(TARGETS, chosen, strict=True) if column is not None
    }
    picks = with_fallbacks(table, picks, scores, taken, closed)
    columns = _columns(table, picks, scores, across)
    layout = "wide" if is_wide(budgets_across) else "long"
    words = bool(budgets_across and any(names_budget(c.words) for c in across)) or any(
        target == "budgeted_amount" and names_budget(table.header.names[i])
        for i, target in picks.items()
    )
    return Mapping(columns, layout, words)


def _columns(
    table: Table,
    picks: dict[int, str],
    scores: dict[str, list[Score]],
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
    scores: dict[str, list[Score]],
    across: Sequence[PeriodColumn],
    index: int,
) -> str:
    """Why the column is left out."""
    parts = [c.index for c in across if c.measure == "budgeted_amount"]
    if table.profiles[index].is_amount and len(parts) >= 2 and sums_of(table.body, parts, index):
        return "It is the sum of the columns of its periods."
    best = max(TARGETS, key=lambda target: scores[target][index].confidence)
    winner = next((i for i, target in picks.items() if target == best), None)
    if scores[best][index].confidence >= LEAST and winner is not None:
        return beaten(best, table.header.names[winner])
    return why_left_out(table.header, table.profiles[index], index)
