"""Columns that hold the codes of what another column names: `Fund` beside `Fund name`, 款 beside
款名.
"""

from __future__ import annotations

from collections.abc import Sequence

from bursar.importing.recognising.profile import Profile
from bursar.importing.recognising.vocabulary import vocabulary
from bursar.importing.recognising.words import has_cjk, tokens


def code_columns(names: Sequence[str], profiles: Sequence[Profile]) -> frozenset[int]:
    """The columns that do not call themselves codes, and are the codes of a column of names."""
    stems = [_stem(name) for name in names]
    named: dict[str, list[int]] = {}
    for i, (stem, mark) in enumerate(stems):
        if stem and mark == "name" and profiles[i].text >= 0.5:
            named.setdefault(stem, []).append(i)
    return frozenset(
        i
        for i, (stem, mark) in enumerate(stems)
        if not mark and stem in named and profiles[i].codes + profiles[i].numeric >= 0.8
    )


def _stem(name: str) -> tuple[str, str]:
    """The words of a header without its mark, and what the mark says: `name`, `code` or nothing."""
    words = vocabulary().words
    kept, marks = [], []
    for word in tokens(name):
        if word in words["code_marks"]:
            marks.append("code")
        elif word in words["name_marks"]:
            marks.append("name")
        else:
            kept.append(word)
    stem = " ".join(kept)
    if not marks and has_cjk(stem):
        for group, mark in (("name_marks", "name"), ("code_marks", "code")):
            for ending in words[group]:
                if has_cjk(ending) and stem.endswith(ending) and stem != ending:
                    return stem.removesuffix(ending), mark
    return stem, (marks[-1] if marks else "")
