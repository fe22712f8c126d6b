"""Whether the values of a column can be a field, whatever its header says."""

from __future__ import annotations

from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import MEASURES


def describe_values(target: str, profile: Profile) -> str:
    """The part of a reason that speaks of the values."""
    if not profile.filled:
        return ", though its cells are blank"
    if target in MEASURES:
        return " and its cells are amounts" if profile.is_amount else ""
    if target == "fiscal_period" and profile.periods >= 0.8:
        return f" and its cells are periods such as {profile.samples[0]!r}"
    if target == "currency" and profile.currencies >= 0.8:
        return f" and its cells are currency codes such as {profile.samples[0]!r}"
    if profile.codes + profile.numeric >= 0.8:
        return " and its cells are codes"
    return f", with cells such as {profile.samples[0][:40]!r}" if profile.samples else ""


def value_fit(target: str, profile: Profile) -> float:
    """0..1: whether such values can be the field at all."""
    if not profile.filled:
        return 0.65
    if target in MEASURES:
        return _amount_fit(profile)
    if target == "fiscal_period":
        return max(_graded(profile.periods), 0.75 if profile.dates >= 0.8 else 0.0)
    if target == "currency":
        return _graded(profile.currencies)
    if target == "external_ref":
        unique = profile.distinct >= 0.9 * profile.filled
        return 0.9 if unique and not profile.has_decimals and profile.money < 0.2 else 0.3
    return _label_fit(target, profile)


def _graded(share: float) -> float:
    """Some wrong cells are row errors, not another field."""
    return min(1.0, 0.2 + share)


def _amount_fit(profile: Profile) -> float:
    if profile.dates >= 0.5 or profile.text > 0.5 or profile.percents > 0.5:
        return 0.05
    if profile.years >= 0.9:
        return 0.1
    if profile.is_amount:
        return 1.0
    return 0.6 if profile.numeric >= 0.4 else 0.2


def _label_fit(target: str, profile: Profile) -> float:
    plain_number = profile.numeric >= 0.8
    if profile.dates >= 0.5 or profile.money >= 0.2 or profile.units >= 0.6:
        return 0.1  # codes have neither thousands separators nor signs
    if profile.flags >= 0.95 and profile.distinct == 2:
        return 0.2  # yes and no name nothing
    if profile.kinds >= 0.9 and target != "notes":
        return 0.45  # `Plan` and `Actual`, or `Expense`, say what an amount is, not what it is for
    if plain_number and profile.has_decimals and target != "account":
        return 0.15
    if profile.round >= 0.6 and target != "account":
        return 0.2  # ids seldom end in zeros, unless they count upwards in hundreds
    if target == "account":
        return 0.9 if plain_number and profile.has_decimals else 1.0
    if target in ("program", "project", "fund"):
        return (0.85 if _repeats(profile) else 0.6) if plain_number else 1.0
    if target == "notes":
        return 0.2 if plain_number else min(1.0, 0.75 + profile.mean_length / 160)
    if target == "owner":
        return 0.3 if plain_number else 1.0
    if plain_number:
        return 0.6 if _repeats(profile) else 0.5
    return _group_fit(target, profile)


def _group_fit(target: str, profile: Profile) -> float:
    """Words or codes as a department or category."""
    if profile.years + profile.periods > 0.9:
        return 0.3
    if profile.codes >= 0.9 and profile.distinct >= 0.95 * profile.filled > 3:
        return 0.5  # a different code in each row identifies rows, it does not group them
    if profile.mean_length > 60:
        return 0.7
    if profile.distinct > 1 or profile.filled <= 3:
        return 1.0
    return 0.65 if target == "sub_category" else 0.85


def _repeats(profile: Profile) -> bool:
    """Codes of a group stand in several rows; other numbers in a column mostly differ."""
    return profile.distinct <= 0.8 * profile.filled or profile.filled < 5


def fit_without_name(target: str, profile: Profile, *, nameless: bool) -> float:
    """Confidence from the values alone, for headers that say nothing or are missing."""
    if target == "currency" and profile.currencies >= 0.9:
        return 0.6
    if target == "department" and profile.is_label and profile.departments >= 0.8:
        return 0.6 if profile.distinct >= 2 and profile.items < 0.2 else 0.0
    if target == "fiscal_period" and profile.filled >= 3:
        repeats = nameless or profile.distinct <= max(3, 0.6 * profile.filled)
        if profile.periods >= 0.97 and profile.dates < 0.2 and repeats:
            return 0.5
    return 0.0
