"""What a person answers to the questions that a file leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person answered about one file; None is no answer.

    `unit` is by what to multiply where the file counts in thousands or the like, `units` the same
    by header; `parents` is leave_out or load.
    """

    decimal_marks: Mapping[str, str]
    date_order: str | None
    unit: int | None
    skip_blank_periods: bool
    units: Mapping[str, int] = field(default_factory=dict)
    parents: str | None = None
