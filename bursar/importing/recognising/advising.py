"""A second opinion on columns, from outside: one interface, nothing behind it by default.

Bursar maps columns by itself, offline. An installation may name an adviser in
`BURSAR_MAPPING_ADVISER`, a language model or anything else, that is asked about the columns of
which Bursar is unsure. It sees headers and a few sample cells, so an operator decides what may
leave the house. Its word counts only where Bursar has no opinion, never more than a guess, and a
person sees who said it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Protocol

import structlog

from bursar.config import settings
from bursar.errors import Misconfigured
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.vocabulary import TARGETS

log = structlog.get_logger("bursar.importing")
MOST_SURE = 0.5  # below this an analysis asks a person to look


@dataclass(frozen=True, slots=True)
class Advice:
    """What an adviser says of one column: a field, and why in words a person understands."""

    target: str
    reason: str


class Adviser(Protocol):
    """Says what columns might be."""

    def advise(
        self, title: str, columns: Sequence[ColumnMapping], targets: Sequence[str]
    ) -> Mapping[int, Advice]:
        """Advice by column index, for some of `columns`; `targets` are the fields still free."""
        ...


@lru_cache(maxsize=4)
def load_adviser(place: str) -> Adviser:
    """The adviser at `package.module:name`, called without arguments. Raises Misconfigured."""
    module, _, name = place.partition(":")
    try:
        made: Adviser = getattr(import_module(module), name)()
    except (ImportError, AttributeError, ValueError) as error:
        raise Misconfigured(f"BURSAR_MAPPING_ADVISER names {place!r}: {error}") from None
    return made


def with_advice(analysis: Analysis, adviser: Adviser | None = None) -> Analysis:
    """The analysis with an adviser's word on columns that were left out without a reason to.

    Without an adviser, or when it fails, the analysis as it is: a file never waits for it.
    """
    place = settings().mapping_adviser
    if adviser is None and not place:
        return analysis
    taken = {column.target for column in analysis.columns if column.target}
    free = [target for target in TARGETS if target not in taken]
    unsure = [c for c in analysis.columns if c.target is None and c.samples]
    if not unsure or not free:
        return analysis
    try:
        said = (adviser or load_adviser(place)).advise(analysis.file_name, unsure, free)
    except Misconfigured:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, the file is read without it
        log.warning("the mapping adviser failed", error=type(error).__name__)
        return analysis
    return replace(analysis, columns=tuple(_advised(analysis.columns, unsure, free, said)))


def _advised(
    columns: Sequence[ColumnMapping],
    unsure: Sequence[ColumnMapping],
    free: Sequence[str],
    said: Mapping[int, Advice],
) -> list[ColumnMapping]:
    open_targets, asked = set(free), {column.index for column in unsure}
    result = []
    for column in columns:
        advice = said.get(column.index)
        if advice is None or column.index not in asked or advice.target not in open_targets:
            result.append(column)
            continue
        open_targets.discard(advice.target)
        reason = f"The adviser says so: {advice.reason}"[:300]
        result.append(replace(column, target=advice.target, confidence=MOST_SURE, reason=reason))
    return result
