"""What a file leaves open and only a person can answer; nothing of it is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bursar.importing.values.dates import DateOrder
from bursar.importing.values.numbers import DecimalMark

QuestionKind = Literal["decimal_mark", "date_order", "unit"]
UNITS = (1, 1_000, 1_000_000)
_UNIT_WORDS = {1_000: "thousands", 1_000_000: "millions", 1_000_000_000: "billions"}


@dataclass(frozen=True, slots=True)
class Question:
    """One open question. `column` is a header, None where the whole table is asked about.

    `choices` are the answers as they are sent back: `.` or `,`; day_first or month_first; 1, 1000 …
    """

    kind: QuestionKind
    column: str | None
    detail: str
    choices: tuple[str | int, ...]

    def to_wire(self) -> dict[str, object]:
        """As the API writes it."""
        return {
            "kind": self.kind,
            "column": self.column,
            "detail": self.detail,
            "choices": list(self.choices),
        }


def open_questions(
    headers: Sequence[str],
    marks: Mapping[int, DecimalMark],
    open_dates: Sequence[int],
    unit: int,
) -> tuple[Question, ...]:
    """The questions about amount columns, date columns and the unit of amounts."""
    found = [decimal_mark_of(headers[i]) for i, m in marks.items() if m is DecimalMark.AMBIGUOUS]
    found += [date_order_of(headers[i]) for i in open_dates]
    return (*found, *([unit_of(unit)] if unit > 1 else []))


def decimal_mark_of(header: str) -> Question:
    """Whether 1.000 is one or one thousand."""
    return Question(
        "decimal_mark",
        header,
        f"Column {header!r} writes only numbers like 1.000; say whether that is one or one"
        " thousand, by the mark that separates its decimals.",
        (".", ","),
    )


def date_order_of(header: str) -> Question:
    """Whether 03/04/2025 is in March or in April."""
    return Question(
        "date_order",
        header,
        f"Column {header!r} has dates like 03/04/2025; say whether the day or the month comes"
        " first.",
        (DateOrder.DAY_FIRST.value, DateOrder.MONTH_FIRST.value),
    )


def unit_of(unit: int) -> Question:
    """Whether amounts are to be multiplied by what the file says that they are counted in."""
    word = _UNIT_WORDS[unit]
    return Question(
        "unit",
        None,
        f"The file says that its amounts are in {word}; say by what to multiply them: {unit} as it"
        " says, or 1 where they are whole after all.",
        UNITS if unit in UNITS else (*UNITS, unit),
    )
