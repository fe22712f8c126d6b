"""Which languages a table's headers are written in, so that short words are read in one of them.

`cap` is a chapter in Italian and nothing in English; it counts only beside other Italian words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from bursar.importing.recognising.vocabulary import Term, vocabulary
from bursar.importing.recognising.words import has_cjk, plain_tokens, runs

_SHORT, _SHORT_WHOLE = 5, 3
_SURE = 7  # letters that leave no doubt of the language by themselves
_FOREIGN_SHORT, _FOREIGN_PART = 0.5, 0.85


@lru_cache(maxsize=256)
def languages_of(names: tuple[str, ...]) -> frozenset[str]:
    """English, and the languages that about as many headers speak as speak any other."""
    speaking: dict[str, set[str]] = defaultdict(set)
    sure, english = set(), set()
    for name in names:
        for phrase in runs(plain_tokens(name)):
            languages = _languages(phrase)
            if "en" in languages:
                english.add(name)
                continue
            for language in languages:
                speaking[language].add(name)
                if len(phrase) >= _SURE or has_cjk(phrase):
                    sure.add(language)
    most = max(map(len, speaking.values()), default=0)
    spoken = {
        language
        for language, by in speaking.items()
        if len(by) >= 0.6 * most
        and len(by) * 3 >= len(english)
        and (len(by) > 1 or language in sure)
    }
    return frozenset(spoken | {"en"})


@lru_cache(maxsize=16_384)
def _languages(phrase: str) -> frozenset[str]:
    if len(phrase) < 3 and not has_cjk(phrase):
        return frozenset()
    return frozenset(term.language for term in vocabulary().fields.get(phrase, ()))


def foreign(term: Term, phrase: str, parts: Iterable[str], languages: frozenset[str]) -> float:
    """A factor for a phrase of a language that the table does not speak; 1 for any other."""
    if not languages or term.language in languages or not phrase.isascii():
        return 1.0
    if languages & _languages(phrase):
        return _FOREIGN_SHORT  # the table's own language has another meaning for it
    whole = phrase == " ".join(parts)
    if len(phrase) <= (_SHORT_WHOLE if whole else _SHORT):
        return _FOREIGN_SHORT
    return 1.0 if whole else _FOREIGN_PART
