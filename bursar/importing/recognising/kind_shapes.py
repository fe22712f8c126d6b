"""What the columns of a table look like, as far as it tells one kind of file from another."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.importing.recognising.headers import is_nameless
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import MEASURES, phrases_in, vocabulary
from bursar.importing.recognising.words import tokens

_GROUPS = ("department", "sub_category", "account", "program", "project", "fund")
_FEW, _ROWS = 2, 8


def is_money(name: str, profile: Profile) -> bool:
    """Numbers that could be amounts: not ids by their header, nor ratios or small whole numbers."""
    words = tokens(name)
    if words and words[-1] in vocabulary().words["code_marks"] and not is_nameless(name):
        return False
    named = max((match_name(name)[m].score for m in MEASURES if m in match_name(name)), default=0)
    if not profile.is_amount:
        # A column that calls itself a budget is one, even if many of its cells cannot be read.
        return named >= 0.8 and profile.numeric >= 0.2
    cents = profile.has_decimals and profile.typical_size >= 1
    return cents or profile.typical_size >= 100 or named >= 0.5 or _names_what_is_paid(name)


def _names_what_is_paid(name: str) -> bool:
    """Whether a header as a whole is a word of some kind of file, as `Net Pay` is: its numbers are
    amounts however small they are.
    """
    strong = vocabulary().kinds.get("strong", {})
    return any(share >= 0.9 and strong.get(phrase) for phrase, share in phrases_in(name))


def names_people(names: Sequence[str], profiles: Sequence[Profile]) -> bool:
    """Whether a column names a person in most rows, and its header no part of a budget."""
    return any(
        profile.people >= 0.6
        and profile.distinct >= 0.5 * profile.filled
        and max((match_name(name)[g].score for g in _GROUPS if g in match_name(name)), default=0)
        < 0.5
        for name, profile in zip(names, profiles, strict=True)
    )


def are_counts(profiles: Sequence[Profile]) -> bool:
    """Whether they are all small whole numbers, written plainly, as of pieces and people."""
    return bool(profiles) and not any(
        p.has_decimals or p.typical_size >= 100 or p.money >= 0.2 or not p.filled for p in profiles
    )


def are_ratios(profiles: Sequence[Profile]) -> bool:
    """Whether most columns of numbers are fractions of one, as in statistics."""
    numbers = [p for p in profiles if p.is_amount]
    small = sum(p.has_decimals and p.typical_size < 1 for p in numbers)
    return small > 2 and 2 * small > len(numbers)


def has_words(profiles: Sequence[Profile]) -> bool:
    """Whether any column says in words what its rows are."""
    return any(profile.text >= 0.3 for profile in profiles)


def names_field(name: str) -> bool:
    """Whether a header names an amount, or what amounts are grouped by."""
    matches = match_name(name)
    return any(matches[t].score >= 0.4 for t in (*MEASURES, *_GROUPS) if t in matches)


def one_account(names: Sequence[str], profiles: Sequence[Profile]) -> bool:
    """Whether all rows belong to one account or two, as a bank exports them; ledgers have many."""
    return any(
        profile.is_label
        and profile.distinct <= _FEW
        and profile.filled >= _ROWS
        and (match := match_name(name).get("account")) is not None
        and match.score >= 0.6
        for name, profile in zip(names, profiles, strict=True)
    )


def name_phrases(text: str) -> list[str]:
    """Runs of words, and the ends of words run together as file names like to have them."""
    phrases = [phrase for phrase, _ in phrases_in(text, longest=4)]
    for word in tokens(text):
        phrases += [word[-n:] for n in range(6, len(word))]
        phrases += [word[:n] for n in range(6, len(word))]
    return phrases
