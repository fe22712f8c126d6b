"""How well each column fits each field, by its name and its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.importing.recognising.fitting import describe_values, fit_without_name, value_fit
from bursar.importing.recognising.headers import Header, is_nameless
from bursar.importing.recognising.layouts import revision_rank
from bursar.importing.recognising.matching import NameMatch, match_name
from bursar.importing.recognising.pairs import code_columns
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.tongues import languages_of
from bursar.importing.recognising.vocabulary import TARGETS

LEAST = 0.4
_REQUIRED_PULL = {"department": 1.25, "budgeted_amount": 1.25, "fiscal_period": 1.2}


@dataclass(frozen=True, slots=True)
class Table:
    """What mapping looks at: header, profiles of its columns and a sample of body rows."""

    header: Header
    profiles: tuple[Profile, ...]
    body: Sequence[Sequence[str]]
    context: str
    """Title, sheet and file name as one text."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well one column fits one field; `total` decides between columns, -1 where it may not."""

    total: float
    confidence: float
    reason: str


def scores_of(table: Table, taken: set[int], closed: set[str]) -> dict[str, list[Score]]:
    """For each field the score of every column; columns `taken` and fields `closed` get none."""
    result: dict[str, list[Score]] = {}
    coded = code_columns(table.header.names, table.profiles)
    spoken = languages_of(table.header.names)
    for target in TARGETS:
        row = []
        for i, heading in enumerate(table.header.names):
            if i in taken or target in closed:
                row.append(Score(-1.0, 0.0, ""))
                continue
            name = f"{heading} code" if i in coded else heading
            label = f"{table.header.groups[i]} {name}" if table.header.groups[i] else name
            match = match_name(name, spoken).get(target) or match_name(label, spoken).get(target)
            place = i - 4 * revision_rank(heading)
            row.append(_score(target, match, table.profiles[i], place, is_nameless(heading)))
        result[target] = row
    for i in range(len(table.header.names)):
        best = max(result[target][i].confidence for target in TARGETS)
        for target in TARGETS:
            score = result[target][i]
            if score.confidence < 0.7 * best:
                # A column that plainly is one thing is not pressed into another.
                result[target][i] = Score(-1.0, score.confidence, "")
    return result


def _score(
    target: str, match: NameMatch | None, profile: Profile, place: int, nameless: bool
) -> Score:
    fit = value_fit(target, profile)
    by_name = match.score if match else 0.0
    by_value = fit_without_name(target, profile, nameless=nameless)
    confidence = max(by_name * fit, by_value)
    if confidence < LEAST:
        return Score(-1.0, confidence, "")
    if match and by_name * fit >= by_value:
        reason = f"The header {match.how}{describe_values(target, profile)}."
    else:
        reason = f"The values say so{describe_values(target, profile)}."
    # Later revisions win ties, then earlier columns: tables put what matters first.
    total = confidence * _REQUIRED_PULL.get(target, 1.0) - 0.0005 * place
    return Score(total, confidence, reason)
