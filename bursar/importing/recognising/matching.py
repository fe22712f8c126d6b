"""How well a header names a field: exact phrases, phrases within it, compounds, and typos."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache

from bursar.importing.recognising.abbreviations import written_out
from bursar.importing.recognising.tongues import foreign
from bursar.importing.recognising.vocabulary import MEASURES, Term, contains, vocabulary
from bursar.importing.recognising.words import has_cjk, normalise, plain_tokens, runs, tokens

_TYPO_CUTOFF = 84
_FAIR = 0.7
_FOREIGN_TYPO = 0.6
_CUT_SHORT = 0.9
# `Department ID` is less the department than `Department` is, and `Budget No` is no amount.
_CODE_FACTORS = {"department": 0.8, "sub_category": 0.8, "owner": 0.8, "notes": 0.8}
_CODE_FACTORS |= {"program": 0.9, "project": 0.9, "fund": 0.9}
_CODE_FACTORS |= dict.fromkeys(MEASURES, 0.3)


@dataclass(frozen=True, slots=True)
class NameMatch:
    """`score` 0..1 for one target; `how` completes the sentence "The header …"."""

    score: float
    phrase: str
    how: str
    language: str


@lru_cache(maxsize=4096)
def match_name(header: str, languages: frozenset[str] = frozenset()) -> dict[str, NameMatch]:
    """The best match of `header` for every target that it could name; `languages` are those that
    the table speaks, none where that is not known.
    """
    found: dict[str, NameMatch] = {}
    spellings = dict.fromkeys((tokens(header), plain_tokens(header)))
    for parts in spellings:
        _add_phrases(found, parts, languages)
        _add_sums_of_words(found, parts, languages)
    _add_written_out(found, header, languages)
    if max((m.score for m in found.values()), default=0.0) < 0.6:
        _add_typos(found, tokens(header), languages)
    _settle_measures(found)
    return found


def _add_phrases(
    found: dict[str, NameMatch], parts: tuple[str, ...], languages: frozenset[str]
) -> None:
    known = vocabulary().fields
    marks = vocabulary().words["code_marks"] | vocabulary().words["name_marks"]
    for phrase in runs(parts):
        for term in known.get(phrase, ()):
            score = _phrase_score(term, phrase, parts) * foreign(term, phrase, parts, languages)
            _keep(found, term, score, _how(phrase, parts))
    other = vocabulary().words["no_measure"]
    for part in parts:
        # A word that is known is not taken apart: a subdivision is no division.
        for phrase, share in _inside(part) if part not in known and part not in other else ():
            for term in known.get(phrase, ()):
                score = term.weight * (0.45 + 0.4 * share) * (0.6 + 0.4 / len(parts))
                score *= _spoilt(term, [p for p in parts if p != part])
                if phrase in marks:
                    score *= 0.5  # `code` within a compound is the code of something
                score *= foreign(term, phrase, parts, languages)
                _keep(found, term, score, f"contains {phrase!r}")


def _add_sums_of_words(
    found: dict[str, NameMatch], parts: tuple[str, ...], languages: frozenset[str]
) -> None:
    """`Valor despesas`: words that each mean any amount mean one together, too."""
    if not 2 <= len(parts) <= 3:
        return
    terms = [
        [
            term
            for term in vocabulary().fields.get(part, ())
            if term.target == "budgeted_amount" and (not languages or term.language in languages)
        ]
        for part in parts
    ]
    if all(terms) and max(term.weight for each in terms for term in each) < _FAIR:
        best = max((term for each in terms for term in each), key=lambda term: term.weight)
        _keep(found, best, best.weight, f"contains {best.phrase!r}")


def _add_written_out(found: dict[str, NameMatch], header: str, languages: frozenset[str]) -> None:
    for phrase in written_out(header):
        counted = phrase in vocabulary().words["no_measure"]  # `Cant.` counts, as `Qty` does
        for term in vocabulary().fields[phrase]:
            if counted and term.target in MEASURES:
                continue
            if not languages or term.language in languages:
                _keep(found, term, term.weight * _CUT_SHORT, f"is short for {phrase!r}")


def _settle_measures(found: dict[str, NameMatch]) -> None:
    """`Budgeted expenses`: a word for either measure says nothing beside one that is clear."""
    budget, actual = found.get("budgeted_amount"), found.get("actual_amount")
    if budget is None or actual is None:
        return
    known = vocabulary().fields
    shared = {"budgeted_amount", "actual_amount"}
    either = shared <= {term.target for term in known.get(normalise(actual.phrase), ())}
    clear = {t.target for t in known.get(normalise(budget.phrase), ()) if t.weight > _FAIR}
    if either and clear & shared == {"budgeted_amount"}:
        found["actual_amount"] = replace(actual, score=actual.score * 0.3)


def _keep(found: dict[str, NameMatch], term: Term, score: float, how: str) -> None:
    present = found.get(term.target)
    if present is None or score > present.score:
        found[term.target] = NameMatch(min(1.0, score), term.phrase, how, term.language)


def _how(phrase: str, parts: tuple[str, ...]) -> str:
    return f"is {phrase!r}" if phrase == " ".join(parts) else f"contains {phrase!r}"


def _phrase_score(term: Term, phrase: str, parts: tuple[str, ...]) -> float:
    inside = phrase.split()
    words = vocabulary().words
    rest = list(parts)
    for word in inside:
        rest.remove(word)
    marks = [w for w in rest if w in words["code_marks"] or w in words["name_marks"]]
    years = [w for w in rest if w.isdigit() and len(w) in (2, 4)]
    neutral = len(marks) + len(years)
    covered = (len(inside) + 0.8 * neutral) / len(parts)
    score = term.weight * (0.45 + 0.55 * covered)
    generic = all(w in words["code_marks"] or w in words["name_marks"] for w in inside)
    if covered < 1 and (generic or term.weight < _FAIR):
        score *= 0.55  # `title` in `short title` or `type` in `account type` says little
    if parts[-1] == inside[-1] or (neutral and parts[-1] in (*marks, *years)):
        score += 0.05 * term.weight  # the last word is what an English header is about
    score *= _spoilt(term, rest)
    if any(w in words["code_marks"] for w in marks):
        score *= _CODE_FACTORS.get(term.target, 1.0)
    return score


def _spoilt(term: Term, rest: list[str]) -> float:
    """A factor for what the other words of the header make of the phrase."""
    spoilers = vocabulary().words["spoilers"]
    factor = 0.4 if any(word in spoilers for word in rest) else 1.0
    if term.target in MEASURES and contains(" ".join(rest), "no_measure"):
        factor *= 0.3
    if term.target in MEASURES and contains(" ".join(rest), "income"):
        factor *= 0.65
    return factor


def _inside(part: str) -> list[tuple[str, float]]:
    """Known phrases at either end of a compound word, or anywhere where words run together."""
    known = vocabulary().fields
    if has_cjk(part):
        runs = {
            part[i:j] for i in range(len(part)) for j in range(i + 2, min(len(part), i + 8) + 1)
        }
        return [(run, len(run) / len(part)) for run in runs if run != part and run in known]
    if len(part) < 8:
        return []
    ends = {part[:i] for i in range(5, len(part))} | {part[-i:] for i in range(5, len(part))}
    return [(end, len(end) / len(part)) for end in ends if end in known]


@lru_cache(maxsize=1)
def _by_length() -> tuple[list[str], list[int]]:
    phrases = sorted((p for p, terms in vocabulary().fields.items() if terms), key=len)
    return phrases, [len(phrase) for phrase in phrases]


def _typo_targets(length: int) -> list[str]:
    """Phrases that are not too long or short to be near a text of this length."""
    phrases, lengths = _by_length()
    share = _TYPO_CUTOFF / (200 - _TYPO_CUTOFF)
    first = bisect_left(lengths, max(length * share, 5))
    return phrases[first : bisect_right(lengths, length / share)]


def _add_typos(
    found: dict[str, NameMatch], parts: tuple[str, ...], languages: frozenset[str]
) -> None:
    from rapidfuzz import fuzz, process

    whole = " ".join(parts)
    attempts = [(whole, 1.0)]
    known = vocabulary().fields
    attempts += [
        (p, 0.6 + 0.3 / len(parts)) for p in parts if len(p) >= 6 and p != whole and p not in known
    ]
    for text, factor in attempts:
        if len(text) < 5:
            continue
        near = process.extract(
            text, _typo_targets(len(text)), scorer=fuzz.ratio, score_cutoff=_TYPO_CUTOFF, limit=3
        )
        for phrase, ratio, _ in near:
            if text == phrase or not _each_word_is_near(text, phrase):
                continue
            for term in vocabulary().fields[phrase]:
                score = term.weight * (ratio / 100) * 0.95 * factor
                if languages and term.language not in languages:
                    score *= _FOREIGN_TYPO
                _keep(found, term, score, f"is close to {phrase!r}")


def _each_word_is_near(text: str, phrase: str) -> bool:
    """A typo changes some letters of a word, never a whole word of several."""
    from rapidfuzz import fuzz

    ours, theirs = text.split(), phrase.split()
    if len(ours) != len(theirs):
        return text.replace(" ", "") == phrase.replace(" ", "") or len(theirs) == 1 == len(ours)
    return all(
        a == b or (a not in _known_words() and fuzz.ratio(a, b) >= 70)
        for a, b in zip(ours, theirs, strict=True)
    )


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    """Words that mean something by themselves, so that they are no other word misspelt."""
    words = vocabulary().words
    return frozenset(
        word
        for group in ("no_measure", "spoilers", "income", "code_marks", "name_marks", "totals")
        for word in words[group]
    )
