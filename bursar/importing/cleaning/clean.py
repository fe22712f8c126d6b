"""Rows of a file to budget rows that can be loaded, or to rejected rows that say why.

Works on chunks of rows turned into columns, so that each column is read by its own compiled
reader; only rows with a fault are looked at one by one. Memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path

from bursar.importing.cleaning.answers import Answers
from bursar.importing.cleaning.blocks import BlockReader
from bursar.importing.cleaning.readers import Readers, TenantRules, compile_readers
from bursar.importing.cleaning.rows import BudgetRow, CellError, Defaults, LeftOut, RejectedRow
from bursar.importing.reading import open_source
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.scanning import chunks

__all__ = ["BudgetRow", "CellError", "Defaults", "LeftOut", "RejectedRow", "clean_rows"]


def clean_rows(
    path: Path,
    analysis: Analysis,
    *,
    mapping: Mapping[str, str | None] | None = None,
    defaults: Defaults,
    base_currency: str,
    allowed_currencies: Collection[str],
    fiscal_start_month: int = 1,
    decimal_marks: Mapping[str, str] | None = None,
    date_order: str | None = None,
    unit: int | None = None,
    units: Mapping[str, int] | None = None,
    parents: str | None = None,
    skip_blank_periods: bool = False,
    left_out: LeftOut | None = None,
) -> Iterator[BudgetRow | RejectedRow]:
    """Read every row below the header, in order.

    `mapping` (header to target) overrides the proposed one; `decimal_marks` (header to "." or ",")
    answers what a column of 1.000-like numbers left open, `date_order` (day_first or month_first)
    what dates left open, `unit` and `units` (by header) by what amounts are multiplied, `parents`
    (leave_out or load) what to do with rows above their parts; with `skip_blank_periods` a blank
    cell of a wide layout gives no row instead of an error; `left_out` is counted up.
    One row of a wide layout gives one budget row a period, or is rejected as a whole.

    Raises InvalidInput for an unknown header, target, default or answer, MappingIncomplete where a
    required field or the answer to a question is missing, and what reading raises.
    """
    rules = TenantRules(base_currency, allowed_currencies, fiscal_start_month)
    readers = compile_readers(
        path,
        analysis,
        mapping=mapping,
        defaults=defaults,
        rules=rules,
        answers=Answers(
            decimal_marks or {}, date_order, unit, skip_blank_periods, units or {}, parents
        ),
    )
    return _rows(path, analysis, readers, left_out if left_out is not None else LeftOut())


def _rows(
    path: Path, analysis: Analysis, readers: Readers, left_out: LeftOut
) -> Iterator[BudgetRow | RejectedRow]:
    source = open_source(path, analysis.file_name)
    block = BlockReader(readers, left_out)
    number = analysis.header_row + 2
    for chunk in chunks(islice(source.rows(analysis.sheet), analysis.header_row + 1, None)):
        yield from block.read(chunk, number)
        number += len(chunk)
