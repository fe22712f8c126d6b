"""What kind of file a table is: a budget, or one of nine other things, and how surely."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from bursar.importing.recognising.confidence import of_kind
from bursar.importing.recognising.headers import Header
from bursar.importing.recognising.kind_shapes import (
    are_counts,
    are_ratios,
    has_words,
    is_money,
    name_phrases,
    names_field,
    names_people,
    one_account,
)
from bursar.importing.recognising.mapping import Mapping as ColumnProposal
from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import KINDS, contains, phrases_in, vocabulary
from bursar.importing.recognising.words import normalise

_PLAIN = {
    "budget": "a budget",
    "payroll": "a payroll",
    "expenses": "a list of expenses",
    "invoice": "a list of invoices",
    "purchase_order": "purchase orders or contracts",
    "bank_statement": "a bank statement",
    "general_ledger": "a ledger export",
    "vendor_list": "a list of vendors",
    "chart_of_accounts": "a chart of accounts",
    "other": "no kind of file that Bursar knows",
}


@dataclass(frozen=True, slots=True)
class Detection:
    """`budget_confidence` is the probability of a budget, whatever `kind` is."""

    kind: str
    confidence: float
    budget_confidence: float
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]

    def to_wire(self) -> dict[str, object]:
        """As the API writes it."""
        return {
            "kind": self.kind,
            "confidence": round(self.confidence, 3),
            "budget_confidence": round(self.budget_confidence, 3),
            "warnings": list(self.warnings),
            "reasons": list(self.reasons),
        }


class _Votes:
    """Evidence for kinds, with the sentences that explain it."""

    def __init__(self) -> None:
        self.points: dict[str, float] = defaultdict(float)
        self.reasons: dict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, points: float, reason: str = "") -> None:
        self.points[kind] += points
        if reason and points > 0 and len(self.reasons[kind]) < 4:
            self.reasons[kind].append(reason)


def recognise(
    header: Header,
    profiles: Sequence[Profile],
    proposal: ColumnProposal,
    *,
    sheet: str | None,
    file_name: str,
    has_period: bool = False,
    keywords: Mapping[str, Sequence[str]] | None = None,
) -> Detection:
    """Weigh header words, names and the shape of the values against each other.

    `has_period` says that the title, sheet or file name names a fiscal year or quarter.
    """
    votes = _Votes()
    _header_words(votes, header)
    _name_words(votes, header, sheet, file_name)
    dated = _shape(votes, header, profiles, proposal)
    if has_period and not dated:
        votes.add("budget", 0.6, "A fiscal period is named outside the table.")
    _tenant_words(votes, header, sheet, file_name, keywords or {})
    points = {kind: votes.points.get(kind, 0.0) for kind in KINDS}
    points["other"] += 1.0
    kind = max(KINDS, key=lambda k: points[k])
    top = points[kind]
    weights = {k: math.exp(1.1 * (p - top)) for k, p in points.items()}
    total = sum(weights.values())
    score = weights[kind] / total
    confidence = of_kind(score)
    others = (1 - confidence) / (1 - score) if score < 1 else 0.0
    budget = confidence if kind == "budget" else weights["budget"] / total * others
    warnings = []
    if kind != "budget":
        warnings.append(f"This looks like {_PLAIN[kind]}, not a budget.")
    elif score < 0.5:
        warnings.append("This may not be a budget; check the columns before importing.")
    reasons = tuple(votes.reasons[kind]) or ("No word or value in it points to a known kind.",)
    return Detection(kind, confidence, budget, tuple(warnings), reasons)


def _header_words(votes: _Votes, header: Header) -> None:
    known = vocabulary().kinds
    texts = [f"{group} {name}" for group, name in zip(header.groups, header.names, strict=True)]
    gained: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for text in texts:
        best: dict[str, tuple[float, str]] = {}
        for phrase, share in phrases_in(text):
            for strength, weight in (("strong", 1.0), ("weak", 0.4)):
                kinds = known.get(strength, {}).get(phrase)
                if not kinds:
                    continue
                value = weight * (0.35 + 0.65 * share) / math.sqrt(len(kinds))
                for kind in kinds:
                    if value > best.get(kind, (0.0, ""))[0]:
                        best[kind] = (value, phrase)
        for kind, found in best.items():
            gained[kind].append(found)
    for kind, votes_for in gained.items():
        # The same word in twenty columns says no more than in three.
        seen: dict[str, int] = defaultdict(int)
        total = 0.0
        for value, phrase in sorted(votes_for, reverse=True):
            seen[phrase] += 1
            total += value / (seen[phrase] ** 1.5)
        named = ", ".join(repr(p) for p in list(seen)[:3])
        votes.add(kind, 4.5 * total / (total + 2.2), f"Its headers name {named}.")


def _name_words(votes: _Votes, header: Header, sheet: str | None, file_name: str) -> None:
    names = vocabulary().kinds.get("names", {})
    stem = PurePath(file_name).stem
    for text, weight, where in (
        (stem, 1.4, "file name"),
        (sheet or "", 1.0, "sheet name"),
        (" ".join(header.titles)[:300], 1.2, "title"),
    ):
        told: dict[str, str] = {}
        for phrase in name_phrases(text):
            for kind in names.get(phrase, ()):
                told.setdefault(kind, phrase)
        for kind, phrase in told.items():
            votes.add(kind, weight / math.sqrt(len(told)), f"The {where} says {phrase!r}.")


def _shape(
    votes: _Votes, header: Header, profiles: Sequence[Profile], proposal: ColumnProposal
) -> bool:
    """Evidence from values; whether the rows are dated day by day."""
    amounts = [
        profile
        for name, profile in zip(header.names, profiles, strict=True)
        if is_money(name, profile)
    ]
    if proposal.layout == "wide":
        amounts += [profiles[c.index] for c in proposal.columns if c.period]
    dates = [p for p in profiles if p.dates >= 0.7]
    # Dates that repeat (month ends) are periods; a new date in most rows is a transaction.
    daily = [p for p in dates if p.distinct > 12 or p.distinct > 0.5 * p.filled]
    people = names_people(header.names, profiles)
    if not amounts:
        votes.add("budget", -3.0)
        for kind in ("chart_of_accounts", "vendor_list", "other"):
            votes.add(kind, 0.6, "It has no column of amounts.")
        for kind in ("bank_statement", "payroll", "expenses", "invoice"):
            votes.add(kind, -0.8)
        if any(p.account_types >= 0.7 for p in profiles):
            votes.add("chart_of_accounts", 2.0, "Its rows are of types such as assets.")
    else:
        votes.add("chart_of_accounts", -1.6)
        votes.add("vendor_list", -1.6)
    _budget_shape(votes, profiles, proposal, bool(amounts), bool(daily))
    _dated_shape(votes, bool(dates), bool(daily), bool(amounts))
    if amounts and not has_words(profiles) and not any(names_field(n) for n in header.names):
        votes.add("other", 1.5, "It has neither words nor a header that names an amount.")
    if are_ratios(profiles):
        votes.add("other", 1.5, "Most of its numbers are fractions.")
        votes.add("budget", -1.0)
    if one_account(header.names, profiles):
        votes.add("general_ledger", -1.0)
    if people and amounts:
        votes.add("payroll", 0.9, "Its rows are people with amounts.")
        votes.add("budget", -0.6)
    if any(contains(name, "no_measure") for name in header.names) and not amounts:
        votes.add("other", 0.4)
    if len(profiles) <= 7 and daily and amounts:
        votes.add("expenses", 0.3)
    return bool(daily)


def _dated_shape(votes: _Votes, has_dates: bool, is_dated: bool, has_amounts: bool) -> None:
    if not has_dates:
        for kind in ("bank_statement", "expenses", "invoice"):
            votes.add(kind, -0.8)
    if is_dated and has_amounts:
        votes.add("budget", -1.3)
        for kind in ("bank_statement", "general_ledger", "expenses", "invoice", "purchase_order"):
            votes.add(kind, 0.5, "Its rows are dated one by one.")


def _budget_shape(
    votes: _Votes,
    profiles: Sequence[Profile],
    proposal: ColumnProposal,
    has_amounts: bool,
    is_dated: bool,
) -> None:
    targets = {column.target for column in proposal.columns if column.target}
    if proposal.budget_words:
        votes.add("budget", 1.6, "A column of amounts calls itself a budget.")
    if proposal.layout == "wide" and not are_counts(
        [profiles[c.index] for c in proposal.columns if c.period]
    ):
        votes.add("budget", 1.4, "Amounts stand in a column for each period.")
    if has_amounts and "fiscal_period" in targets and not is_dated:
        votes.add("budget", 0.9, "Amounts belong to periods rather than days.")
    if "department" in targets and has_amounts and not is_dated:
        votes.add("budget", 0.7, "Amounts belong to departments.")


def _tenant_words(
    votes: _Votes,
    header: Header,
    sheet: str | None,
    file_name: str,
    keywords: Mapping[str, Sequence[str]],
) -> None:
    """A tenant's own words are decisive: they were added because the rest was not enough."""
    places = " | ".join([*header.names, *header.groups, *header.titles, sheet or "", file_name])
    text = f" {normalise(places)} "
    for kind, words in keywords.items():
        for word in words:
            if kind in KINDS and normalise(word) and f" {normalise(word)} " in text:
                votes.add(kind, 4.0, f"Your own keyword {word!r} occurs in it.")
                break
