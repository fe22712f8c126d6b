"""The words that name fields, kinds of file and totals, from one file a language in `data/`.

To teach Bursar a language, add a file there; nothing else changes.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from bursar.importing.words import normalise, tokens

TARGETS = (
    "department", "budgeted_amount", "fiscal_period", "sub_category", "currency", "account",
    "program", "project", "fund", "owner", "notes", "external_ref", "committed_amount",
    "actual_amount",
)  # fmt: skip
# Other names that a mapping may use: the budgets of the API keep the account as `account_code`.
SYNONYMS = {"account_code": "account"}
REQUIRED = ("department", "budgeted_amount", "fiscal_period")
MEASURES = ("budgeted_amount", "committed_amount", "actual_amount")
KINDS = (
    "budget", "payroll", "expenses", "invoice", "purchase_order", "bank_statement",
    "general_ledger", "vendor_list", "chart_of_accounts", "other",
)  # fmt: skip
_WEIGHTS = {"strong": 1.0, "fair": 0.8, "weak": 0.55}


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase that names `target`; `weight` says how surely; `language` is an ISO 639 code."""

    phrase: str
    target: str
    weight: float
    language: str


@dataclass(frozen=True)
class Vocabulary:
    """Everything the data files say, keyed by normalised phrase."""

    fields: Mapping[str, tuple[Term, ...]]
    kinds: Mapping[str, Mapping[str, frozenset[str]]]
    words: Mapping[str, frozenset[str]]
    units: Mapping[str, frozenset[str]]
    languages: Mapping[str, frozenset[str]]


def _spellings(phrase: str) -> Iterable[str]:
    """The phrase as headers write it; umlauts also as ae, oe, ue."""
    yield normalise(phrase)
    short = " ".join(tokens(phrase))
    yield short
    for plain, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        if plain in phrase:
            yield normalise(phrase.replace(plain, spelled))


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Read all language files once."""
    fields: dict[str, list[Term]] = defaultdict(list)
    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    words: dict[str, set[str]] = defaultdict(set)
    units: dict[str, set[str]] = defaultdict(set)
    languages: dict[str, set[str]] = defaultdict(set)
    for language, content in _language_files():
        for target, strength, phrase in _entries(content.get("fields", {})):
            fields[phrase].append(Term(phrase, target, _WEIGHTS[strength], language))
            languages[language].add(phrase)
        for kind, strength, phrase in _entries(content.get("kinds", {})):
            kinds[strength][phrase].add(kind)
        for group, phrases in content.get("words", {}).items():
            words[group].update(spelling for p in phrases for spelling in _spellings(p))
        for unit, phrases in content.get("units", {}).items():
            units[unit].update(normalise(p) for p in phrases)
    return Vocabulary(
        fields={phrase: tuple(terms) for phrase, terms in fields.items()},
        kinds={
            strength: {phrase: frozenset(found) for phrase, found in entries.items()}
            for strength, entries in kinds.items()
        },
        words={group: frozenset(phrases) for group, phrases in words.items()},
        units={unit: frozenset(phrases) for unit, phrases in units.items()},
        languages={code: frozenset(phrases) for code, phrases in languages.items()},
    )


def _language_files() -> Iterable[tuple[str, dict[str, Any]]]:
    folder = resources.files("bursar.importing") / "data"
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            language = entry.name.removesuffix(".toml")
            yield language, tomllib.loads(entry.read_text(encoding="utf-8"))


def _entries(section: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    """(name, strength, spelling) of every phrase of a section."""
    for name, lists in section.items():
        for strength, phrases in lists.items():
            for phrase in phrases:
                for spelling in sorted(set(_spellings(phrase))):
                    yield name, strength, spelling


def phrases_in(text: str, longest: int = 5) -> Iterable[tuple[str, float]]:
    """Every run of words of `text` with the share of the words that it covers."""
    parts = tokens(text)
    for length in range(min(longest, len(parts)), 0, -1):
        for start in range(len(parts) - length + 1):
            yield " ".join(parts[start : start + length]), length / len(parts)


def contains(text: str, group: str) -> bool:
    """Whether a phrase of the word group (`totals`, `no_measure` …) occurs in `text`."""
    known = vocabulary().words.get(group, frozenset())
    return any(phrase in known for phrase, _ in phrases_in(text))
