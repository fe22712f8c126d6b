"""Wide layouts: amount columns whose header, or the group above it, names their period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bursar.eras import is_letter_and_number
from bursar.fiscal import Part, Period, find, find_part, part_of_year, resolve, within
from bursar.importing.recognising.headers import Header
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import MEASURES, contains, phrases_in, vocabulary
from bursar.importing.recognising.words import has_cjk, normalise


@dataclass(frozen=True, slots=True)
class PeriodColumn:
    """An amount column of a wide table. `period` is canonical where it could be resolved, else
    the header's own words; `part` is a month or quarter whose year stands elsewhere.
    """

    index: int
    measure: str | None
    period: str
    resolved: bool
    words: str
    part: Part | None = None


def period_columns(
    header: Header, profiles: Sequence[Profile], year: Period | None, start: int
) -> list[PeriodColumn]:
    """Every amount column that belongs to a period of its own."""
    found = []
    japanese = any(map(has_cjk, (*header.names, *header.groups, *header.titles)))
    for i, name in enumerate(header.names):
        if not _may_be_amount(profiles[i]):
            continue
        if is_letter_and_number(name) and not japanese:
            continue
        column = _period_column(i, name, header.groups[i], year, start)
        if column is not None:
            found.append(column)
    found = _without_chance(found, header)
    if len(found) >= 3:
        found = _with_neighbours(found, header, profiles)
    return found


def _without_chance(found: list[PeriodColumn], header: Header) -> list[PeriodColumn]:
    """`May` in one header may be a word; in `Q1 budget` and `Q2 budget` it is a period."""
    chance = [c for c in found if c.part and part_of_year(header.names[c.index].strip()) is None]
    return found if len({c.part for c in chance}) >= 2 else [c for c in found if c not in chance]


def _may_be_amount(profile: Profile) -> bool:
    return profile.numeric >= 0.4 or profile.filled == 0


def _period_column(
    index: int, name: str, group: str, year: Period | None, start: int
) -> PeriodColumn | None:
    part = part_of_year(name.strip())
    if part is not None:
        above = find(group, start) if group else None
        own = above[0] if above and above[0].kind == "year" else year
        code = within(own, part, start).code if own else name.strip()
        rest = above[1] if above else normalise(group)
        return PeriodColumn(index, None, code, own is not None, rest, part)
    return _named_within(index, name, group, year, start)


def _named_within(
    index: int, name: str, group: str, year: Period | None, start: int
) -> PeriodColumn | None:
    """A period among other words of the header, or in the group above it."""
    own_period = find(name, start)
    if own_period is not None and _mostly_period(own_period[1]):
        return PeriodColumn(index, None, own_period[0].code, True, own_period[1])
    if group:
        above = find(group, start)
        if above is not None:
            words = f"{above[1]} {normalise(name)}".strip()
            return PeriodColumn(index, None, above[0].code, True, words)
    within_name = find_part(name)
    if within_name is not None and _mostly_period(within_name[1]):
        part, rest = within_name
        code = within(year, part, start).code if year else name.strip()
        return PeriodColumn(index, None, code, year is not None, rest, part)
    numbered = normalise(name).split()
    if (
        len(numbered) == 2
        and numbered[1].isdigit()
        and numbered[0] in vocabulary().words["period_words"]
    ):
        return PeriodColumn(index, None, name.strip(), False, "")
    return None


def _mostly_period(rest: str) -> bool:
    return len(rest.split()) <= 5


def _with_neighbours(
    found: list[PeriodColumn], header: Header, profiles: Sequence[Profile]
) -> list[PeriodColumn]:
    """Short nameless-looking amount columns between two period columns belong to the row of
    periods too (a transition quarter between two years).
    """
    taken = {column.index for column in found}
    plain = [column.index for column in found if not column.words]
    if len(plain) < 3:
        return found
    for i in range(min(plain) + 1, max(plain)):
        name = header.names[i]
        if i in taken or not profiles[i].is_amount or len(name) > 12:
            continue
        if i - 1 in taken and i + 1 in taken and not match_name(name):
            found.append(PeriodColumn(i, None, name, False, ""))
    return sorted(found, key=lambda column: column.index)


def measure_of(words: str, default: str | None) -> str | None:
    """Which measure the words beside the period name; None where they name something else."""
    text = words.strip()
    if not text:
        return default
    if contains(text, "no_measure") and not _names_measure(text, 0.9):
        return None
    if contains(text, "income"):
        return _names_measure(text, 0.4)
    if contains(text, "actual_flags") and not _plans_spending(text):
        return "actual_amount"
    named = _names_measure(text, 0.4)
    if named is not None:
        return named
    parts = set(normalise(text).split())
    if parts <= vocabulary().words["period_words"] or len(parts) <= 1:
        return default
    return default


def _plans_spending(text: str) -> bool:
    """`Approved expenditure`: a word for any spending beside one that only budgets have."""
    known, flags = vocabulary().fields, vocabulary().words["actual_flags"]
    phrases = {phrase for phrase, _ in phrases_in(text)}
    budgets = {
        phrase: max(t.weight for t in known[phrase] if t.target == "budgeted_amount")
        for phrase in phrases
        if any(t.target == "budgeted_amount" for t in known.get(phrase, ()))
    }
    either = (phrases & flags) <= budgets.keys()
    return either and any(w > 0.7 and p not in flags for p, w in budgets.items() if " " not in p)


def _names_measure(text: str, least: float) -> str | None:
    matches = match_name(text)
    scores = {m: matches[m].score for m in MEASURES if m in matches and matches[m].score >= least}
    return max(scores, key=lambda m: scores[m]) if scores else None


def contains_period(whole: PeriodColumn, part: PeriodColumn) -> bool:
    """Whether one column's period is a shorter one within the other's."""
    if whole.index == part.index or not (whole.resolved and part.resolved):
        return False
    outer, inner = resolve(whole.period), resolve(part.period)
    if outer is None or inner is None or outer.kind == inner.kind:
        return False
    return outer.starts_on <= inner.starts_on and inner.ends_on <= outer.ends_on


def add_up(rows: Sequence[Sequence[float | None]], total: Sequence[float | None]) -> bool:
    """Whether the amounts across each row sum to the row's total, in most rows."""
    checked = right = 0
    for amounts, whole in zip(rows, total, strict=True):
        present = [a for a in amounts if a is not None]
        if whole is None or len(present) < 2 or not whole:
            continue
        checked += 1
        right += abs(sum(present) - whole) <= 0.01 * abs(whole) + 1
    return checked >= 1 and right * 2 > checked


def is_wide(columns: Sequence[PeriodColumn]) -> bool:
    """A column a period: at least two periods across, or one measure in each of two."""
    return len({column.period for column in columns if column.measure}) >= 2


_REVISIONS = {"rev": "revised", "orig": "original", "prop": "proposed", "req": "requested"}


def latest_revision(headers: Sequence[str]) -> int:
    """Which of several headers of one period is the last revision; the first of equals."""
    return max(range(len(headers)), key=lambda i: (revision_rank(headers[i]), -i))


def revision_rank(words: str) -> int:
    """Higher is later: an amended budget replaces the adopted one of the same period."""
    text = " ".join(_REVISIONS.get(word, word) for word in normalise(words).split())
    order = ("proposed", "requested", "original", "adopted", "approved", "revised", "amended")
    ranks = [i for i, word in enumerate(order, start=1) if word in text.split()]
    if ranks:
        return max(ranks)
    later = vocabulary().words["later_revision"]
    return 5 if any(phrase in later for phrase, _ in phrases_in(text)) else 0
