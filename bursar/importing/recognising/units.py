"""What amounts are counted in: thousands, millions or billions, as headers and notes say it.

A header speaks of its own column, a title or a note below the table of all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from bursar.importing.recognising.constants import COMMON_CURRENCIES
from bursar.importing.recognising.vocabulary import vocabulary
from bursar.importing.recognising.words import has_cjk, normalise
from bursar.importing.values.numbers import looks_numeric

_SIZES = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_MONEY = rf"(?:{'|'.join(sorted(COMMON_CURRENCIES))}|[$€£¥₹₽₩]|Kč|zł|kr)"
_ZEROS = r"(?:[.,'’ \u00a0\u202f]?000)"
_LETTERS = {"t": 1_000, "k": 1_000, "m": 1_000_000, "mn": 1_000_000, "mm": 1_000_000,
            "mio": 1_000_000, "bn": 1_000_000_000, "b": 1_000_000_000,
            "mrd": 1_000_000_000}  # fmt: skip
# `TEUR`, `k€`, `in m$`: what stands in front of a currency belongs to it.
_BEFORE = re.compile(
    rf"(?<![^\W_])(?P<letter>[TtKk]|[Mm](?:io\.?|n|rd\.?)?)\s?(?P<money>{_MONEY})(?![^\W_])"
)
_BEHIND = re.compile(
    rf"(?<![^\W_]){_MONEY}\s?(?P<letter>[Kk]|MM|[Mm](?:io\.?|n|rd\.?)?|bn|B)(?![^\W_])"
)
# `$000`, `'000`, `(000s)`, `000's`: the zeros that were left out.
_LEFT_OUT = re.compile(
    rf"(?<![\w.,])(?:{_MONEY}\s?['’]?|['’])(?P<a>000(?:[,.]?000)?)['’]?s?(?!\w)"
    rf"|\(\s*['’]?(?P<b>000(?:[,.]?000)?)['’]?s?\s*(?:{_MONEY})?\s*\)"
    r"|(?<![\w.,])(?P<c>000)['’]?s(?!\w)"
)
# `x1000`, `× 1,000`, `in 1.000 €`, `(1000 EUR)`: what one of them stands for. Bare numbers in
# parentheses are codes as often.
_FACTOR = re.compile(
    rf"(?:(?:(?<![^\W\d])[x×*]\s?|\b(?:in|en|em|i|w|v|per|pro)\s(?:{_MONEY}\s?)?"
    rf"|[(\[]\s*{_MONEY}\s?)(?P<n>1{_ZEROS}{{1,3}})"
    rf"|[(\[]\s*(?P<m>1{_ZEROS}{{1,3}})(?=['’]?s|\s?{_MONEY}))"
    r"(?:['’]?s)?(?!\s?[\d%])(?![.,]\d)(?=\W|$)"
)
_HEADER_FACTOR = re.compile(rf"(?<![\w.,])(?P<n>1{_ZEROS}{{1,3}})\s?{_MONEY}(?!\w)")


def unit_of_header(name: str) -> int:
    """1, or what the header of an amount column says that it is counted in."""
    text = unicodedata.normalize("NFC", name)
    found = _written(text)
    if found > 1:
        return found
    factor = _HEADER_FACTOR.search(text)
    if factor is not None:
        return _size(factor["n"])
    letters = _BEFORE.search(text) or _BEHIND.search(text)
    if letters is not None:
        return _LETTERS[letters["letter"].rstrip(".").lower()]
    words = set(normalise(text).split())
    for unit, group in (("thousand", "thousand_words"), ("million", "million_words")):
        if words & vocabulary().words.get(group, frozenset()):
            return _SIZES[unit]
    return 1


def unit_of_notes(texts: Iterable[str]) -> int:
    """1, or what titles above a table and notes below it say that amounts are counted in."""
    for text in texts:
        found = _written(unicodedata.normalize("NFC", text[:300]))
        if found > 1:
            return found
    return 1


def _written(text: str) -> int:
    """A phrase such as `in thousands`, zeros that were left out, or a factor."""
    words = f" {normalise(text)} "
    for unit, phrases in vocabulary().units.items():
        if any((p if has_cjk(p) else f" {p} ") in words for p in phrases if p):
            return _SIZES[unit]
    zeros = _LEFT_OUT.search(text)
    if zeros is not None:
        return 1_000_000 if (zeros["a"] or zeros["b"] or "").count("0") > 3 else 1_000
    factor = _FACTOR.search(text)
    if factor is not None:
        return _size(factor["n"] or factor["m"])
    letters = _BEFORE.search(text)
    if letters is not None and re.search(r"(?i)\b(?:in|en|em)\s*$", text[: letters.start()]):
        return _LETTERS[letters["letter"].rstrip(".").lower()]
    return 1


def _size(factor: str) -> int:
    return int(10 ** factor.count("0"))


def units_of_columns(names: Sequence[str], groups: Sequence[str]) -> Mapping[int, int]:
    """The columns whose header, or the group above it, names a unit of its own."""
    found = {
        i: max(unit_of_header(name), unit_of_header(group) if group else 1)
        for i, (name, group) in enumerate(zip(names, groups, strict=True))
    }
    return {i: unit for i, unit in found.items() if unit > 1}


def notes_below(rows: Iterable[Sequence[str]]) -> list[str]:
    """The texts of rows that hold no more than a label and a text, as notes of a table do."""
    found = []
    for row in rows:
        filled = [cell for cell in row if cell and not cell.isspace()]
        if len(filled) <= 2 and not any(map(looks_numeric, filled)):
            found += filled
    return found
