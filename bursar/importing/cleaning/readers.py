"""The compiled readers of one file: its binding, defaults and number conventions, decided once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bursar.errors import Fault, InvalidInput, SeveralTables
from bursar.fiscal import Part, resolve
from bursar.importing.cleaning.amounts import AmountColumn
from bursar.importing.cleaning.answers import Answers
from bursar.importing.cleaning.binding import Binding, bind
from bursar.importing.cleaning.columns import CurrencyColumn, PeriodColumn, TextColumn
from bursar.importing.cleaning.conventions import Conventions, conventions_of
from bursar.importing.cleaning.rows import Defaults
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.parents import Parents
from bursar.importing.recognising.totals import LABELS
from bursar.importing.values.signs import CRORES, OTHER_DOLLARS, are_several, conflicting
from bursar.money import exponents, require_currency

TEXTS = ("account", "program", "project", "fund", "owner", "notes", "external_ref")


@dataclass(frozen=True, slots=True)
class TenantRules:
    """What the tenant's settings say. No allowed currencies means any."""

    base_currency: str
    allowed_currencies: Collection[str]
    fiscal_start_month: int


@dataclass(frozen=True)
class Readers:
    """Everything that a block of rows is read with."""

    headers: tuple[str, ...]
    sheet: str | None
    start: int
    binding: Binding
    texts: Mapping[str, TextColumn]
    periods: Mapping[Part | None, PeriodColumn]
    currencies: CurrencyColumn
    amounts: Mapping[int, AmountColumn]
    budget_columns: frozenset[int]
    department: str | None
    sub_category: str | None
    period: str | None
    currency: str
    varied: bool
    """Whether each row names its own currency."""
    signed: bool
    """Whether amounts carry signs or codes of currencies."""
    places: int
    labels: tuple[int, ...]
    """Columns beside the department that say what a row is of."""
    section_column: int | None
    """Where departments stand in rows of their own."""
    carried_column: int | None
    """Where a blank means the department of the line above."""
    departments: Mapping[int, str] | None
    """By row, where the rows no longer stand below what names their department."""
    parents: Parents | None
    """Rows above their parts that are left out."""
    kinds_column: int | None
    """Where a total is a kind of budget."""
    skip_blank_periods: bool
    """Whether a blank cell of a wide layout is no budget rather than a missing one."""


def compile_readers(
    path: Path,
    analysis: Analysis,
    *,
    mapping: Mapping[str, str | None] | None,
    defaults: Defaults,
    rules: TenantRules,
    answers: Answers,
) -> Readers:
    """Bind columns, settle defaults over constants, and decide how each amount column writes."""
    if analysis.other_table is not None:
        raise SeveralTables(analysis.other_table.detail)
    start = rules.fiscal_start_month
    constants = {
        field: constant.value
        for field, constant in analysis.constants.items()
        if constant.origin != "section"
    }
    department = defaults.department or constants.get("department")
    period = _default_period(defaults, constants.get("fiscal_period"), start)
    currency = _default_currency(defaults.currency, constants.get("currency"), rules)
    supplied = {"department": department, "fiscal_period": period}
    given = frozenset(field for field, value in supplied.items() if value)
    if analysis.section_column is not None or analysis.departments is not None:
        given |= {"department"}
    binding = bind(analysis, mapping, given, start)
    varied = "currency" in binding.texts
    texts = binding.texts
    years = analysis.years.get(texts.get("fiscal_period", -1))
    conventions = conventions_of(path, analysis, binding, answers, mapping or {})
    signs = conventions.signs
    if not varied:
        _require_one_currency(signs, currency, told=defaults.currency is not None)
    places = 2 if varied else exponents()[currency]
    return Readers(
        headers=analysis.headers,
        sheet=analysis.sheet,
        start=start,
        binding=binding,
        texts={
            target: TextColumn(target)
            for target in ("department", "sub_category", *TEXTS)
            if target in binding.texts
        },
        periods={
            part: PeriodColumn(start, part, period, conventions.date_order, years)
            for part in {s.part for s in binding.slots}
        },
        currencies=CurrencyColumn(rules.allowed_currencies),
        amounts=_amount_columns(conventions, places, None if varied else currency),
        budget_columns=frozenset(s.columns["budgeted_amount"] for s in binding.slots),
        department=department,
        sub_category=defaults.sub_category or constants.get("sub_category"),
        period=period,
        currency=currency,
        varied=varied,
        signed=bool(signs),
        places=places,
        labels=tuple(i for t, i in texts.items() if t in LABELS and t != "department"),
        section_column=_section_column(analysis, binding, defaults),
        carried_column=_carried_column(analysis, texts),
        departments=analysis.departments,
        parents=conventions.parents,
        kinds_column=analysis.kinds_column,
        skip_blank_periods=answers.skip_blank_periods and len(binding.slots) > 1,
    )


def _amount_columns(
    conventions: Conventions, places: int, currency: str | None
) -> dict[int, AmountColumn]:
    plain = currency is not None and currency not in CRORES
    unclear = conventions.unclear_credits if plain else frozenset(conventions.marks)
    return {
        i: AmountColumn(mark, places, conventions.units[i], credits_plain=i not in unclear)
        for i, mark in conventions.marks.items()
    }


def _carried_column(analysis: Analysis, texts: Mapping[str, int]) -> int | None:
    """Blanks mean the department above only in the column that was seen to be written so."""
    own = texts.get("department") == analysis.carried_column
    return analysis.carried_column if own else None


def _section_column(analysis: Analysis, binding: Binding, defaults: Defaults) -> int | None:
    """Sections count where no other column is the department and no default replaces them."""
    column = binding.texts.get("department")
    if column is None:
        return None if defaults.department else analysis.section_column
    return column if column == analysis.section_column else None


def _default_period(defaults: Defaults, constant: str | None, start: int) -> str | None:
    if not defaults.fiscal_period:
        return constant
    period = resolve(defaults.fiscal_period, start)
    if period is None:
        detail = f"{defaults.fiscal_period!r} names no fiscal period, such as FY2025."
        raise InvalidInput(
            detail, faults=[Fault("/defaults/fiscal_period", "unknown_period", detail)]
        )
    return period.code


def _default_currency(given: str | None, constant: str | None, rules: TenantRules) -> str:
    allowed = rules.allowed_currencies
    if given is not None:
        code = require_currency(given.strip().upper())
        if allowed and code not in allowed:
            detail = f"No budgets are kept in {code}."
            raise InvalidInput(
                detail, faults=[Fault("/defaults/currency", "currency_not_allowed", detail)]
            )
        return code
    if constant is None or _is_own_dollar(constant, rules.base_currency):
        return require_currency(rules.base_currency)
    if allowed and constant not in allowed:
        detail = (
            f"The amounts of this file are in {constant}, and no budgets are kept in it."
            " Give the currency as a default if they are in another one."
        )
        raise InvalidInput(
            detail, faults=[Fault("/defaults/currency", "currency_not_allowed", detail)]
        )
    return constant


def _require_one_currency(signs: tuple[str, ...], currency: str, *, told: bool) -> None:
    """Refuse amounts whose signs say something else than the currency they would be read in.

    A person who names the currency is believed, unless the signs are of several.
    """
    wrong = conflicting(signs, currency)
    if not wrong or (told and not are_several(signs)):
        return
    detail = (
        f"Amounts carry the signs {', '.join(sorted(signs))}, which are not all {currency}. Split"
        " the file by currency or give it a column of currencies; if one currency is meant, give it"
        " as a default."
    )
    raise InvalidInput(detail, faults=[Fault("/defaults/currency", "currency_conflict", detail)])


def _is_own_dollar(constant: str, base: str) -> bool:
    """A plain `$` reads as USD, but to a tenant that counts in another dollar it means that one."""
    return constant == "USD" and base in OTHER_DOLLARS
