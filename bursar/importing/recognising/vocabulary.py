"""The words that name fields, kinds of file and totals, in many languages.

They are written in `data/`, one file a language, and compiled by the module `languages`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from bursar.importing.recognising.words import tokens

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
COMPILED = "compiled.json"


class Term(NamedTuple):
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


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Read the compiled language files once."""
    place = resources.files("bursar.importing.recognising") / "data" / COMPILED
    content = json.loads(place.read_text(encoding="utf-8"))
    fields = {
        phrase: tuple(Term(phrase, *term) for term in terms)
        for phrase, terms in content["fields"].items()
    }
    languages: dict[str, set[str]] = defaultdict(set)
    for phrase, terms in fields.items():
        for term in terms:
            languages[term.language].add(phrase)
    return Vocabulary(
        fields=fields,
        kinds={
            strength: {phrase: frozenset(kinds) for phrase, kinds in entries.items()}
            for strength, entries in content["kinds"].items()
        },
        words={group: frozenset(phrases) for group, phrases in content["words"].items()},
        units={unit: frozenset(phrases) for unit, phrases in content["units"].items()},
        languages={code: frozenset(phrases) for code, phrases in languages.items()},
    )


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
