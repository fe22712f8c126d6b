"""Years written so short that only their whole column tells: 24, 24/25, FY25B."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from bursar.fiscal import resolve
from bursar.importing.recognising.matching import match_name
from bursar.importing.recognising.vocabulary import vocabulary
from bursar.importing.recognising.words import normalise
from bursar.importing.values.numbers import is_absent

_TWO = re.compile(r"'?(\d\d)", re.ASCII)
_PAIR = re.compile(r"'?(\d\d)\s?[/\-–]\s?'?(\d\d)", re.ASCII)
_MARKED = re.compile(r"(.*\d)\s?[Bb]", re.ASCII)
_EARLIEST, _LATEST = 13, 59  # lower numbers may be months as well
_WIDEST = 15


class ShortYears(StrEnum):
    """How a column writes its years: `24`, `24/25`, or with a B for budget behind, `FY25B`."""

    TWO_DIGITS = "two_digits"
    PAIRS = "pairs"
    MARKED = "marked"


def short_years(header: str, cells: Sequence[str]) -> ShortYears | None:
    """The way that every cell of a column follows; None where there is none, or where cells could
    mean something else.
    """
    found = match_name(header).get("fiscal_period")
    texts = {cell.strip() for cell in cells} - {""}
    texts = {text for text in texts if not is_absent(text)}
    if found is None or found.score < 0.5 or not texts or any(map(resolve, texts)):
        return None
    if all(written_out(text, ShortYears.MARKED) for text in texts):
        return ShortYears.MARKED
    pairs = [_PAIR.fullmatch(text) for text in texts]
    if all(written_out(text, ShortYears.PAIRS) for text in texts):
        # 11/12 alone might be a month of a year.
        plain = any(pair is not None and int(pair[2]) > 12 for pair in pairs)
        return ShortYears.PAIRS if plain else None
    if _names_years(header) and all(written_out(text, ShortYears.TWO_DIGITS) for text in texts):
        years = [int(text.lstrip("'")) for text in texts]
        return ShortYears.TWO_DIGITS if max(years) - min(years) <= _WIDEST else None
    return None


def written_out(text: str, way: ShortYears) -> str | None:
    """The cell as text that names a fiscal year by itself; None where it is not written so."""
    if way is ShortYears.TWO_DIGITS:
        two = _TWO.fullmatch(text)
        return f"FY20{two[1]}" if two and _EARLIEST <= int(two[1]) <= _LATEST else None
    if way is ShortYears.PAIRS:
        pair = _PAIR.fullmatch(text)
        if pair is None or (int(pair[1]) + 1) % 100 != int(pair[2]):
            return None
        return f"FY{pair[1]}-{pair[2]}"
    marked = _MARKED.fullmatch(text)
    return marked[1] if marked and resolve(marked[1]) else None


def _names_years(header: str) -> bool:
    return bool(set(normalise(header).split()) & vocabulary().words["year_words"])
