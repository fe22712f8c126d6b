"""Rows that repeat others: totals and subtotals, which must not be loaded twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from bursar.importing.recognising.vocabulary import vocabulary
from bursar.importing.recognising.words import normalise

_NUMBERING = re.compile(r"^[\dIVX]+(?:\.\d+)*[.)]\s*")
# The fields that name what a row is of; other texts may say `Total` too, but no more than that.
LABELS = ("department", "sub_category", "program", "project", "fund", "account")
_REMEMBERED = 100_000
_LONGEST = 80


@lru_cache(maxsize=1)
def _maybe_total() -> re.Pattern[str]:
    """A quick sieve: most labels hold no word for a total at all."""
    roots = {min(phrase.split(), key=len) for phrase in vocabulary().words["totals"]}
    roots |= {phrase.split()[0][:5] for phrase in vocabulary().words["totals"]}
    return re.compile("|".join(map(re.escape, sorted(roots))), re.IGNORECASE)


class PlainTotals:
    """The cells of a column that name a total and nothing else, found at little cost.

    For columns that are no labels of a row by their field: accounts, remarks, unmapped texts.
    """

    def __init__(self) -> None:
        totals = vocabulary().words["totals"]
        self._spellings = frozenset(f"{word}{mark}" for word in totals for mark in ("", ":"))

    def rows(self, cells: Sequence[str]) -> set[int]:
        """The positions of such cells."""
        if self._spellings.isdisjoint(map(str.casefold, cells)):
            return set()
        return {i for i, cell in enumerate(cells) if cell.casefold() in self._spellings}


class TotalLabels(dict[str, bool]):
    """Label text to whether it names a sum of other rows.

    `Total`, `Grand total`, `Summe:` are sums by themselves. `Total Salaries` is one where
    `Salaries` has been seen before it, so that a department called `Total Rewards` is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def __missing__(self, label: str) -> bool:
        if len(self) > _REMEMBERED:
            self.clear()
        self[label] = answer = self._is_total(label)
        return answer

    def _is_total(self, label: str) -> bool:
        text = label.strip()
        if not text or len(text) > _LONGEST:
            return False
        if _maybe_total().search(text) is None and text.isascii():
            self._remember(text)
            return False
        words = normalise(_NUMBERING.sub("", text))
        totals = vocabulary().words["totals"]
        if not words or words in totals:
            return words in totals
        parts = words.split()
        for length in (3, 2, 1):
            if len(parts) <= length:
                continue
            for phrase, rest in (
                (parts[:length], parts[length:]),
                (parts[-length:], parts[:-length]),
            ):
                if " ".join(phrase) in totals and self._is_known(rest):
                    return True
        self._remember(text)
        return False

    def _is_known(self, rest: list[str]) -> bool:
        generic = vocabulary().words["summed"]
        return " ".join(rest) in self._seen or all(word in generic for word in rest)

    def _remember(self, text: str) -> None:
        if len(self._seen) < _REMEMBERED:
            self._seen.add(normalise(_NUMBERING.sub("", text)))
