"""Header words made comparable: case, accents, punctuation, camelCase and snake_case set aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_NOT_WORD = re.compile(r"[\W_]+")
# Signs of money that are letters too: `Preço total R$`, `Monto US$`.
_SIGNS = re.compile(r"(?<=\w )\W*(?:(?:R|US|A|C|NT|HK|S|MX)\$|S/\.?)(?![A-Za-z])")
_SHORT = {
    "acct": "account",
    "admin": "administrative",
    "abt": "abteilung",
    "alloc": "allocation",
    "amt": "amount",
    "approp": "appropriation",
    "bdgt": "budget",
    "bgt": "budget",
    "bud": "budget",
    "budg": "budget",
    "cat": "category",
    "categ": "category",
    "cls": "classification",
    "ctr": "center",
    "dep": "department",
    "depart": "department",
    "depto": "department",
    "dept": "department",
    "dpt": "department",
    "dpto": "department",
    "descr": "description",
    "desc": "description",
    "econ": "economic",
    "est": "estimate",
    "exp": "expense",
    "expend": "expenditure",
    "fin": "financial",
    "fisc": "fiscal",
    "kst": "kostenstelle",
    "nm": "name",
    "obj": "object",
    "objt": "object",
    "orig": "original",
    "per": "period",
    "prog": "program",
    "programme": "program",
    "proj": "project",
    "qtr": "quarter",
    "qty": "quantity",
    "ref": "reference",
    "reqd": "required",
    "subcat": "subcategory",
    "tot": "total",
    "yr": "year",
}

_MARKS = ("name", "code", "id", "desc", "no", "nr", "number", "title", "type", "nm", "cd")
_WHOLE = frozenset(("department", "fund", "account", "program", "project", "agency", "budget"))


@lru_cache(maxsize=16_384)
def normalise(text: str) -> str:
    """`FiscalYear`, `fiscal_year` and `Fiscal  Year:` all become `fiscal year`."""
    text = _CAMEL.sub(" ", _SIGNS.sub(" ", text.replace("ß", "ss")))
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.combining(c)).casefold()
    return " ".join(_NOT_WORD.sub(" ", _DIGITS.sub(" ", text)).split())


# What data dictionaries and exports add to a name without changing its meaning.
_NOISE = frozenset(
    normalise(word)
    for word in (
        *("the", "of", "for", "in", "a", "an", "and"),
        *("der", "die", "das", "des", "und"),
        *("de", "du", "d", "la", "le", "les", "l", "el", "los", "del", "y", "e", "o"),
        *("da", "do", "dos"),
        *("integer", "string", "float", "raw", "incl", "inc", "col"),
        *("usd", "eur", "gbp", "chf", "jpy", "cad", "aud", "nzd", "inr", "brl", "mxn", "zar"),
        *("pln", "czk", "huf", "ron", "sek", "nok", "dkk", "uah", "rub", "ils", "cny", "rmb"),
        *("krw", "twd", "ngn", "kes", "ghs", "idr", "php", "thb", "vnd", "myr", "sgd", "hkd"),
        *("aed", "egp", "clp", "rands", "dollars", "euro", "euros", "rupees", "ksh", "zl", "kc"),
        *("rs", "rp", "lei", "лв", "zł", "руб", "рублей", "грн", "тыс", "млн", "元", "円", "원"),
        *("千円", "百万円", "万元", "萬元", "亿元", "千元", "천원", "백만원", "억원", "tl"),
    )
)


@lru_cache(maxsize=16_384)
def tokens(text: str) -> tuple[str, ...]:
    """The meaningful words of `text`, abbreviations written out; all when none is meaningful."""
    return _meaningful(part for word in normalise(text).split() for part in _written_out(word))


@lru_cache(maxsize=16_384)
def plain_tokens(text: str) -> tuple[str, ...]:
    """The meaningful words of `text` as they are written: `Amt` is an office in German."""
    return _meaningful(normalise(text).split())


def _meaningful(words: Iterable[str]) -> tuple[str, ...]:
    every = tuple(words)
    return tuple(word for word in every if word not in _NOISE) or every


def _written_out(word: str) -> tuple[str, ...]:
    """`dept` is `department`; `deptname` is `department name`."""
    if word in _SHORT:
        return (_SHORT[word],)
    for mark in _MARKS:
        stem = word.removesuffix(mark)
        if stem != word and (stem in _SHORT or stem in _WHOLE):
            return _SHORT.get(stem, stem), mark
    return (word,)


def has_cjk(text: str) -> bool:
    """Whether words run together without spaces, as in Chinese and Japanese."""
    return any("\u3040" <= c < "\ua000" or "\uac00" <= c < "\ud7b0" for c in text)


def runs(parts: Sequence[str], longest: int = 5) -> Iterator[str]:
    """Every run of words, the longest first."""
    for length in range(min(longest, len(parts)), 0, -1):
        for start in range(len(parts) - length + 1):
            yield " ".join(parts[start : start + length])
