"""Language files to one file that loads in a few milliseconds; reading them takes a quarter second.

To teach Bursar a language, add a file to `data/` and run this module with `python -m`.
A test fails when the compiled file is not what the language files say.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bursar.importing.recognising.vocabulary import COMPILED
from bursar.importing.recognising.words import has_cjk, normalise, plain_tokens, tokens

FOLDER = Path(__file__).parent / "data"
_WEIGHTS = {"strong": 1.0, "fair": 0.8, "weak": 0.55}


def compiled() -> str:
    """What the language files say, keyed by every spelling of a phrase, as JSON text."""
    fields: dict[str, list[tuple[str, float, str]]] = defaultdict(list)
    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    words: dict[str, set[str]] = defaultdict(set)
    units: dict[str, set[str]] = defaultdict(set)
    for place in sorted(FOLDER.glob("*.toml")):
        content = tomllib.loads(place.read_text(encoding="utf-8"))
        for target, strength, phrase in _entries(
            content.get("fields", {}), english=place.stem == "en"
        ):
            fields[phrase].append((target, _WEIGHTS[strength], place.stem))
        for kind, strength, phrase in _entries(content.get("kinds", {}), english=True):
            kinds[strength][phrase].add(kind)
        for group, phrases in content.get("words", {}).items():
            words[group].update(spelling for p in phrases for spelling in _spellings(p))
        for unit, phrases in content.get("units", {}).items():
            units[unit].update(normalise(p) for p in phrases)
    whole: dict[str, Mapping[str, Any]] = {
        "fields": fields,
        "kinds": {s: {p: sorted(k) for p, k in entries.items()} for s, entries in kinds.items()},
        "words": {group: sorted(phrases) for group, phrases in words.items()},
        "units": {unit: sorted(phrases) for unit, phrases in units.items()},
    }
    return "{\n" + ",\n".join(_section(name, whole[name]) for name in sorted(whole)) + "\n}\n"


def _section(name: str, entries: Mapping[str, Any]) -> str:
    """A section with an entry a line, so that a change of one phrase is a change of one line."""
    lines = [f"{_json(key)}:{_json(entries[key])}" for key in sorted(entries)]
    return f"{_json(name)}:{{\n" + ",\n".join(lines) + "\n}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _spellings(phrase: str, *, english: bool = True) -> Iterable[str]:
    """The phrase as headers write it; umlauts also as ae, oe, ue. Only English abbreviations are
    written out.
    """
    yield normalise(phrase)
    short = " ".join(tokens(phrase) if english else plain_tokens(phrase))
    if len(short) > 2 or has_cjk(short):  # what is left of a longer phrase may be any word
        yield short
    for plain, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
        if plain in phrase:
            yield normalise(phrase.replace(plain, spelled))


def _entries(section: Mapping[str, Any], *, english: bool) -> Iterable[tuple[str, str, str]]:
    """(name, strength, spelling) of every phrase of a section."""
    for name, lists in section.items():
        for strength, phrases in lists.items():
            for phrase in phrases:
                for spelling in sorted(set(_spellings(phrase, english=english))):
                    yield name, strength, spelling


if __name__ == "__main__":
    (FOLDER / COMPILED).write_text(compiled(), encoding="utf-8")
