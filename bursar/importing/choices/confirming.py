"""What people have confirmed, laid over what was recognised."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bursar.errors import MappingIncomplete
from bursar.importing.cleaning.binding import bind, overridden
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.constants import Constant
from bursar.importing.recognising.questions import settled
from bursar.importing.recognising.words import normalise

_YEARS = re.compile(r"(?:19|20)\d\d|(?<=fy )\d\d\b|(?<=fy)\d\d\b")
DEFAULTS = ("department", "sub_category", "fiscal_period", "currency")


def header_fingerprint(headers: Sequence[str]) -> bytes:
    """What files of one shape share: their headers in order, years counted from the newest of them.

    So that next year's file is known by this year's, as `FY2025 Budget` turns into `FY2026 Budget`,
    and a file with its years the other way round is not.
    """
    plain = [normalise(header) for header in headers]
    newest = max((_year(found) for name in plain for found in _YEARS.findall(name)), default=0)
    names = [_YEARS.sub(lambda m: f"#{_year(m[0]) - newest}", name) for name in plain]
    return hashlib.sha256("\x1f".join(names).encode()).digest()


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def with_choices(analysis: Analysis, mapping: Mapping[str, str | None] | None) -> Analysis:
    """The analysis with a person's `mapping` (header to target) in place of what was proposed.

    Raises InvalidInput with a fault for every header or target that does not exist or is given
    twice.
    """
    if not mapping:
        return analysis
    columns = tuple(
        new
        if new.target == old.target and new.header not in mapping
        else replace(new, confidence=1.0, reason=_said(new.header in mapping, new.target))
        for old, new in zip(analysis.columns, overridden(analysis, mapping), strict=True)
    )
    return replace(analysis, columns=columns, questions=settled(analysis.questions, mapping))


def _said(chosen: bool, target: str | None) -> str:
    if not chosen:
        return "Left out, as another column was chosen for its field."
    return "You chose this." if target else "You left this out."


def with_template(
    analysis: Analysis,
    targets: Sequence[str | None],
    defaults: Mapping[str, Any],
    words: str,
    fiscal_start_month: int,
) -> Analysis:
    """The analysis as remembered for files with these headers; `words` say what remembers it.

    `targets` go with the columns by index; `defaults` stand in for constants that are not found.
    """
    columns = tuple(
        replace(column, target=target, confidence=1.0, reason=f"Confirmed before: {words}.")
        for column, target in zip(analysis.columns, targets, strict=True)
    )
    constants = {
        **{f: Constant(str(v), "template") for f, v in defaults.items() if f in DEFAULTS and v},
        **analysis.constants,
    }
    questions = settled(analysis.questions, analysis.headers)
    remembered = replace(analysis, columns=columns, constants=constants, questions=questions)
    missing = _missing(remembered, fiscal_start_month)
    return replace(remembered, missing_required=missing, can_proceed=not missing)


def _missing(analysis: Analysis, fiscal_start_month: int) -> tuple[str, ...]:
    try:
        bind(analysis, None, frozenset(analysis.constants), fiscal_start_month)
    except MappingIncomplete as incomplete:
        return tuple(fault.pointer.rpartition("/")[2] for fault in incomplete.faults)
    return ()
