"""Files of the store, read as their tenant reads files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bursar import files
from bursar.importing.cleaning.clean import BudgetRow, Defaults, RejectedRow, clean_rows
from bursar.importing.recognising.advising import with_advice
from bursar.importing.recognising.analysis import Analysis, analyze
from bursar.importing.runs import Wish
from schema.tables import StoredFile, Tenant


def analyze_stored(
    stored: StoredFile,
    tenant: Tenant,
    *,
    sheet: str | None = None,
    header_row: int | None = None,
    keywords: Mapping[str, Sequence[str]] | None = None,
) -> Analysis:
    """Recognise a stored file with the tenant's own calendar and words, or with `keywords`.

    Raises as `analyze`.
    """
    found = analyze(
        files.open_path(stored),
        stored.name,
        sheet=sheet,
        header_row=header_row,
        keywords=tenant.settings.get("kind_keywords") if keywords is None else keywords,
        fiscal_start_month=tenant.fiscal_start_month,
    )
    return with_advice(found)


def clean_stored(
    stored: StoredFile, tenant: Tenant, analysis: Analysis, wish: Wish
) -> Iterator[BudgetRow | RejectedRow]:
    """The rows of a stored file, cleaned by the tenant's calendar and currencies.

    Raises at once, before any row is read, when mapping or defaults do not fit: InvalidInput with
    a fault for each place, MappingIncomplete, UnknownCurrency.
    """
    if wish.force_kind:  # somebody has looked, and says that it is one table
        analysis = replace(analysis, other_table=None)
    given = wish.defaults or {}
    answers = wish.answers or {}
    return clean_rows(
        files.open_path(stored),
        analysis,
        mapping=wish.mapping,
        defaults=Defaults(
            currency=given.get("currency"),
            fiscal_period=given.get("fiscal_period"),
            department=given.get("department"),
            sub_category=given.get("sub_category"),
        ),
        base_currency=tenant.base_currency,
        allowed_currencies=tenant.allowed_currencies,
        fiscal_start_month=tenant.fiscal_start_month,
        decimal_marks=answers.get("decimal_marks"),
        date_order=answers.get("date_order"),
        unit=answers.get("unit"),
        units=answers.get("units"),
        parents=answers.get("parents"),
        # In a table with a column a period, a blank cell means no budget for that period.
        skip_blank_periods=analysis.layout != "long",
    )
