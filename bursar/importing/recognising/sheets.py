"""Which sheet of a workbook is read where nobody says it, and which others it might have been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from bursar.importing.reading import Source
from bursar.importing.recognising.headers import is_blank
from bursar.importing.recognising.understanding import Options, Understanding, understand
from bursar.importing.recognising.vocabulary import REQUIRED
from bursar.importing.recognising.words import normalise

_SHEETS = 40
_HEAD = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """The sheet to read; `alike` are sheets with the same columns, of which any may be meant."""

    sheet: str | None
    alike: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    score: float
    columns: tuple[str, ...]
    is_budget: bool


def choose_sheet(source: Source, options: Options) -> Choice:
    """The sheet that most looks like a budget table; the first one that is a table at all wins
    ties.
    """
    if len(source.sheets) == 1:
        return Choice(source.sheets[0])
    options = Options(None, options.keywords, options.start)
    candidates = []
    for i, name in enumerate(source.sheets[:_SHEETS]):
        head = list(islice(source.rows(name), _HEAD))
        if sum(not is_blank(row) for row in head) >= 2:
            candidates.append(_candidate(name, i, head, understand(source, name, head, options)))
    if not candidates:
        return Choice(source.sheets[0])
    best = max(candidates, key=lambda candidate: candidate.score)
    others = [c for c in candidates if c.is_budget and c is not best]
    alike = tuple(c.name for c in others if best.is_budget and c.columns == best.columns)
    return Choice(best.name, alike, _notes(best, [c.name for c in others if c.name not in alike]))


def _candidate(
    name: str, place: int, head: Sequence[Sequence[str]], found: Understanding
) -> _Candidate:
    mapped = {c.target for c in found.columns if c.target}
    score = (
        2 * found.detection.budget_confidence
        + 0.5 * len(mapped & set(REQUIRED))
        + min(1.0, len(head) / 30)
        - 0.01 * place
    )
    # Years aside, as sheets of one year each have the year in the header.
    plain = ["".join(c for c in normalise(n) if not c.isdigit()) for n in found.header.names]
    is_budget = found.detection.kind == "budget" and "budgeted_amount" in mapped
    return _Candidate(name, score, tuple(plain), is_budget)


def _notes(best: _Candidate, others: Sequence[str]) -> list[str]:
    if not (others and best.is_budget):
        return []
    named = ", ".join(map(repr, others[:10]))
    return [f"Only sheet {best.name!r} is read; {named} look like budgets too."]
