"""From a proposed mapping and a person's changes to what each column is read as."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bursar.errors import Fault, InvalidInput, MappingIncomplete
from bursar.fiscal import Part, Period, find_part, part_of_year, resolve
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.layouts import latest_revision
from bursar.importing.recognising.mapping import ColumnMapping
from bursar.importing.recognising.understanding import lacks_years
from bursar.importing.recognising.vocabulary import MEASURES, REQUIRED, SYNONYMS, TARGETS


@dataclass(frozen=True, slots=True)
class Slot:
    """One budget row that each source row gives: columns by measure, and its period.

    `period` is canonical; None means the row's own period, narrowed to `part` where it is set.
    """

    period: str | None
    part: Part | None
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Binding:
    """Which column holds what. `texts` maps every target that is no amount to its column."""

    texts: Mapping[str, int]
    slots: tuple[Slot, ...]


def bind(
    analysis: Analysis,
    mapping: Mapping[str, str | None] | None,
    given: frozenset[str],
    fiscal_start_month: int,
) -> Binding:
    """Apply the person's `mapping` over the proposed one.

    `given` are the fields that constants or defaults supply. Raises InvalidInput with a fault for
    every header or target that does not exist or is given twice, and MappingIncomplete.
    """
    columns = overridden(analysis, mapping or {})
    texts: dict[str, int] = {}
    amounts: list[ColumnMapping] = []
    for column in columns:
        if column.target in MEASURES:
            amounts.append(column)
        elif column.target is not None and not _is_empty(column, mapping or {}):
            texts[column.target] = column.index
    slots = _slots(amounts, "fiscal_period" in texts, fiscal_start_month)
    missing = []
    if "department" not in texts and "department" not in given:
        missing.append("department")
    if not slots:
        missing.append("budgeted_amount")
    faults = [
        Fault("/mapping", "unknown_period", f"The header {name!r} names no fiscal period.")
        for name in _nameless_periods(columns, slots, fiscal_start_month)
    ]
    needs_period = any(slot.period is None for slot in slots) or not slots
    has_years = "fiscal_period" in texts and not lacks_years(columns)
    if needs_period and not has_years and "fiscal_period" not in given:
        missing.append("fiscal_period")
    faults += [
        Fault(f"/mapping/{field}", "mapping_incomplete", f"Nothing gives {field}.")
        for field in missing
    ]
    if missing:
        detail = f"Neither a column nor a default gives {', '.join(missing)}."
        raise MappingIncomplete(detail, faults=faults)
    if faults:
        detail = f"{faults[0].detail} Leave such columns out, or rename them in the file."
        raise MappingIncomplete(detail, faults=faults)
    return Binding(texts, slots)


def canonical(mapping: Mapping[str, str | None]) -> dict[str, str | None]:
    """The mapping with fields under their own names, where they were given by other ones."""
    return {header: SYNONYMS.get(target or "", target) for header, target in mapping.items()}


def overridden(analysis: Analysis, mapping: Mapping[str, str | None]) -> list[ColumnMapping]:
    """The columns with a person's choices in place of what was proposed. Raises InvalidInput."""
    faults = []
    mapping = canonical(mapping)
    for header, target in mapping.items():
        if header not in analysis.headers:
            faults.append(
                Fault("/mapping", "unknown_header", f"The file has no column {header!r}.")
            )
        if target is not None and target not in TARGETS:
            faults.append(Fault(f"/mapping/{header}", "unknown_target", f"{target!r} is no field."))
    # A target that a person gave to one column is taken from the columns it was proposed for;
    # columns of periods share theirs.
    chosen = {target for target in mapping.values() if target is not None}
    across = {c.header for c in analysis.columns if c.period is not None}
    single = {
        target for header, target in mapping.items() if target is not None and header not in across
    }
    # So is one of a period from the others of that period.
    periods = {(mapping.get(c.header), c.period) for c in analysis.columns if c.period is not None}
    result = []
    for column in analysis.columns:
        target = column.target
        if column.header in mapping:
            target = mapping[column.header]
        elif (
            target in single
            or (target in chosen and column.period is None)
            or (target is not None and (target, column.period) in periods)
        ):
            target = None
        result.append(
            ColumnMapping(
                column.index,
                column.header,
                target,
                column.confidence,
                column.reason,
                column.samples,
                column.period,
            )
        )
    faults += _duplicates(result)
    if faults:
        raise InvalidInput("The mapping does not fit the file.", faults=faults)
    return result


def _duplicates(columns: list[ColumnMapping]) -> list[Fault]:
    by_target: dict[str, list[str]] = defaultdict(list)
    for column in columns:
        if column.target is not None and column.period is None:
            by_target[column.target].append(column.header)
    return [
        Fault("/mapping", "duplicate_target", f"{target} is given to {', '.join(headers)}.")
        for target, headers in by_target.items()
        if len(headers) > 1
    ]


def _is_empty(column: ColumnMapping, told: Mapping[str, str | None]) -> bool:
    """Whether a required field was proposed for a column without values; a person may insist."""
    return column.target in REQUIRED and not column.samples and column.header not in told


def _slots(amounts: list[ColumnMapping], has_period_column: bool, start: int) -> tuple[Slot, ...]:
    """Group the amount columns by period. Spending of periods without a budget is left out, and
    of several revisions of one budget the latest counts.
    """
    groups: dict[tuple[str | None, Part | None], dict[str, list[ColumnMapping]]] = {}
    for column in amounts:
        key = _slot_key(column, has_period_column, start)
        groups.setdefault(key, defaultdict(list))[str(column.target)].append(column)
    slots = []
    for (period, part), measures in groups.items():
        if "budgeted_amount" not in measures:
            continue
        latest = {
            measure: columns[latest_revision([c.header for c in columns])].index
            for measure, columns in measures.items()
        }
        slots.append(Slot(period, part, latest))
    # A single budget column of one period beside spending that names none is one row.
    if len(slots) == 1 and (None, None) in groups:
        loose = {m: cs[0].index for m, cs in groups[None, None].items()}
        slots = [Slot(slots[0].period, slots[0].part, {**loose, **slots[0].columns})]
    return tuple(slots)


def _nameless_periods(
    columns: list[ColumnMapping], slots: tuple[Slot, ...], start: int
) -> list[str]:
    """Headers of budget columns whose period no calendar resolves, such as `Year 1`."""
    headers = {column.index: column.header for column in columns}
    return [
        headers[slot.columns["budgeted_amount"]]
        for slot in slots
        if slot.period is not None and resolve(slot.period, start) is None
    ]


def _slot_key(
    column: ColumnMapping, has_period_column: bool, start: int
) -> tuple[str | None, Part | None]:
    if column.period is None:
        return None, None
    resolved: Period | None = resolve(column.period, start)
    part = part_of_year(column.header)
    within = find_part(column.header)
    part = within[0] if part is None and within is not None else part
    if part is not None and (has_period_column or resolved is None):
        return None, part
    return (resolved.code if resolved else column.period), None
