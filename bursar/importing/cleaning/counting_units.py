"""By what the amounts of each column are multiplied, and where that is still to be asked."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.errors import Fault, InvalidInput
from bursar.importing.cleaning.answers import Answers
from bursar.importing.recognising.analysis import Analysis


def told_unit(
    analysis: Analysis, index: int, amounts: Sequence[int], answers: Answers
) -> int | None:
    """What a person says of a column; None where nothing was said of it.

    One unit for the whole file goes to the columns that are counted in one, and to all where the
    file says nothing of units; where columns are counted in several, each has to be named.
    """
    header = analysis.headers[index]
    if header in answers.units:
        return answers.units[header]
    if answers.unit in (None, 1):
        return answers.unit
    sizes = {_stated(analysis, i) for i in amounts} - {1}
    if sizes and _stated(analysis, index) == 1:
        return 1
    return answers.unit if len(sizes) <= 1 else None


def open_units(analysis: Analysis, amounts: Sequence[int], answers: Answers) -> dict[int, int]:
    """The unit that is to be asked about of each column; 1 where there is nothing to ask.

    Raises InvalidInput for an answer about a column that the file does not have.
    """
    for header in answers.units:
        if header not in analysis.headers:
            detail = f"{header!r} is no column."
            raise InvalidInput(detail, faults=[Fault("/units", "unknown_header", detail)])
    told = {i: told_unit(analysis, i, amounts, answers) for i in amounts}
    return {i: _stated(analysis, i) if unit is None else 1 for i, unit in told.items()}


def _stated(analysis: Analysis, index: int) -> int:
    return analysis.units.get(index, analysis.unit)
