"""Why a column is left out, in words that a person understands."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.importing.recognising.headers import Header
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import phrases_in, vocabulary

_FIELDS = {
    "department": "the department",
    "budgeted_amount": "the budget",
    "fiscal_period": "the fiscal period",
    "sub_category": "the sub-category",
    "account": "the account",
    "external_ref": "the reference",
    "committed_amount": "the commitments",
    "actual_amount": "the spending",
}


def field_name(target: str) -> str:
    """A field as a person calls it."""
    return _FIELDS.get(target, f"the {target.replace('_', ' ')}")


def why_left_out(header: Header, profile: Profile, index: int) -> str:
    """The reason for a column that no field wants."""
    if not profile.filled:
        return "All its cells are blank."
    name = header.names[index]
    word = _word_of(name, "income")
    if word:
        return f"{word!r} is money that comes in, not a budget to spend."
    word = _word_of(name, "no_measure")
    if word and (profile.numeric >= 0.5 or profile.percents >= 0.5):
        return f"{word!r} is neither a budget nor a commitment nor spending."
    if profile.percents >= 0.7:
        return "Its cells are percentages."
    if profile.dates >= 0.7:
        return "Its cells are dates, and budgets belong to fiscal periods."
    if _numbers_rows(profile):
        return "It seems to number the rows."
    word = _word_of(name, "spoilers")
    if word:
        return f"Budgets have no field for {word!r}."
    if profile.distinct == 1 and profile.filled > 3:
        return (
            f"Every row says the same, {profile.samples[0][:40]!r}, and its header names no field."
        )
    if profile.codes >= 0.8:
        return "Its cells are codes, and its header does not say of what."
    if profile.is_amount:
        return "Its cells are numbers, but its header does not say that they are budgets."
    return "Its header names none of the fields that a budget has."


def beaten(target: str, winner: str) -> str:
    """The reason for a column whose field another column has."""
    return f"{winner!r} fits {field_name(target)} better."


def _word_of(name: str, group: str) -> str | None:
    known = vocabulary().words.get(group, frozenset())
    return next((phrase for phrase, _ in phrases_in(name) if phrase in known), None)


def _numbers_rows(profile: Profile) -> bool:
    numbers: Sequence[str] = profile.samples
    return (
        profile.numeric >= 0.95
        and profile.distinct == profile.filled > 2
        and [n.split(".")[0] for n in numbers] in (["0", "1", "2"], ["1", "2", "3"])
    )
