"""Header words made comparable: case, accents, punctuation, camelCase and snake_case set aside."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_NOT_WORD = re.compile(r"[\W_]+")
# What data dictionaries and exports add to a name without changing its meaning.
_NOISE = frozenset(
    (
        *("the", "of", "for", "in", "a", "an", "and"),
        *("der", "die", "das", "des", "und"),
        *("de", "du", "d", "la", "le", "les", "l", "el", "los", "del", "y", "e", "o"),
        *("da", "do", "dos"),
        *("integer", "string", "float", "raw", "incl", "inc", "col"),
        *("usd", "eur", "gbp", "rands", "dollars", "euro", "euros"),
    )
)


@lru_cache(maxsize=16_384)
def normalise(text: str) -> str:
    """`FiscalYear`, `fiscal_year` and `Fiscal  Year:` all become `fiscal year`."""
    text = _CAMEL.sub(" ", text.replace("ß", "ss"))
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.combining(c)).casefold()
    return " ".join(_NOT_WORD.sub(" ", _DIGITS.sub(" ", text)).split())


@lru_cache(maxsize=16_384)
def tokens(text: str) -> tuple[str, ...]:
    """The meaningful words of `text`; all of them when none is meaningful."""
    every = tuple(normalise(text).split())
    return tuple(word for word in every if word not in _NOISE) or every


def has_cjk(text: str) -> bool:
    """Whether words run together without spaces, as in Chinese and Japanese."""
    return any("\u3040" <= c < "\ua000" or "\uac00" <= c < "\ud7b0" for c in text)
