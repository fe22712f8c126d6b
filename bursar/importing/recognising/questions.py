"""What a file leaves open and only a person can answer; nothing of it is guessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bursar.importing.values.dates import DateOrder
from bursar.importing.values.numbers import DecimalMark

QuestionKind = Literal["decimal_mark", "date_order", "unit", "parents", "sheet", "column"]
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
    units: Mapping[int, int],
) -> tuple[Question, ...]:
    """The questions about amount columns, date columns and the units of amounts.

    `units` are by amount column, 1 where there is nothing to ask.
    """
    found = [decimal_mark_of(headers[i]) for i, m in marks.items() if m is DecimalMark.AMBIGUOUS]
    found += [date_order_of(headers[i]) for i in open_dates]
    return (*found, *_about_units(headers, units))


def _about_units(headers: Sequence[str], units: Mapping[int, int]) -> list[Question]:
    """One question where all amounts are counted alike, else one for each column that differs."""
    sizes = set(units.values())
    if len(sizes) == 1:
        return [unit_of(size) for size in sizes if size > 1]
    return [unit_of(unit, headers[i]) for i, unit in units.items() if unit > 1]


def parents_of(detail: str) -> Question:
    """Whether rows that stand above their parts are left out or loaded beside them."""
    return Question("parents", None, detail, ("leave_out", "load"))


def sheet_of(sheet: str, others: Sequence[str]) -> Question:
    """Which of several sheets of one shape is meant."""
    return Question(
        "sheet",
        None,
        f"Sheet {sheet!r} has the same columns as {', '.join(map(repr, others))}; say which one is"
        " meant, and import the others one by one.",
        (sheet, *others),
    )


def settled(questions: Sequence[Question], named: Collection[str]) -> tuple[Question, ...]:
    """The questions without those about columns of which a person chose one, or left out all but
    one. `named` are headers, with what each was chosen for where it is a mapping.
    """
    chosen = {h for h, t in named.items() if t} if isinstance(named, Mapping) else {*named}
    return tuple(
        q
        for q in questions
        if q.kind != "column" or not ({*q.choices} & chosen or len({*q.choices} - {*named}) < 2)
    )


def column_of(headers: Sequence[str]) -> Question:
    """Which of several columns of one name holds the budget."""
    named = " and ".join(map(repr, headers[:5])) + ", …" * (len(headers) > 5)
    return Question(
        "column",
        headers[0],
        f"Columns {named} have the same name and different amounts; say by the mapping which one"
        " is meant, and that the others are left out.",
        tuple(headers),
    )


def budget_of(headers: Sequence[str]) -> Question:
    """Which of several columns of amounts is the budget."""
    shown = " and ".join(map(repr, headers[:5])) + ", …" * (len(headers) > 5)
    return Question(
        "column",
        headers[0],
        f"Columns {shown} may each be the budget, and only one can be read; say by the mapping"
        " which one.",
        tuple(headers),
    )


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


def unit_of(unit: int, header: str | None = None) -> Question:
    """Whether amounts are to be multiplied by what the file, or a header, says that they count."""
    word = _UNIT_WORDS[unit]
    whose = "The file says that its amounts" if header is None else f"Amounts of {header!r}"
    return Question(
        "unit",
        header,
        f"{whose} are in {word}; say by what to multiply them: {unit} as it says, or 1 where they"
        " are whole after all.",
        UNITS if unit in UNITS else (*UNITS, unit),
    )
