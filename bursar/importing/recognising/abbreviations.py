"""Words cut short with a full stop, as in `Verantw.` or `Oblig. Reconocidas`, written out again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from bursar.importing.recognising.vocabulary import vocabulary
from bursar.importing.recognising.words import normalise

_WORD = re.compile(r"[^\s\-_/()]+")
_LEAST = 2  # letters of a word that is cut short; three where it stands alone


@lru_cache(maxsize=4096)
def written_out(header: str) -> tuple[str, ...]:
    """The known phrases that the header may be short for; none where no word is cut short."""
    parts, short = [], []
    for word in _WORD.findall(header):
        plain = normalise(word)
        if plain and " " not in plain:
            parts.append(plain)
            short.append(word.endswith(".") and len(plain) >= _LEAST)
    if not any(short) or (len(parts) == 1 and len(parts[0]) <= _LEAST):
        return ()
    return tuple(
        phrase
        for words, phrase in _phrases().get((len(parts), parts[0][0]), ())
        if all(
            known.startswith(part) and known != part if cut else known == part
            for part, known, cut in zip(parts, words, short, strict=True)
        )
    )


@lru_cache(maxsize=1)
def _phrases() -> dict[tuple[int, str], list[tuple[list[str], str]]]:
    """The phrases by their number of words and first letter."""
    found: dict[tuple[int, str], list[tuple[list[str], str]]] = defaultdict(list)
    for phrase, words in _split():
        found[len(words), phrase[0]].append((words, phrase))
    return found


def _split() -> Iterator[tuple[str, list[str]]]:
    for phrase in vocabulary().fields:
        if phrase:
            yield phrase, phrase.split()
