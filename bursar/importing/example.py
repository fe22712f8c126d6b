"""An example of a budget file: a header and two rows that an import takes without a question."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from bursar.reports.inert_files import write_workbook

NAME = "bursar-example-budget.xlsx"
HEADER = (
    "Department", "Sub-category", "Fiscal period", "Budget amount", "Currency", "Owner", "Notes",
)  # fmt: skip


def write_example(path: Path, fiscal_period: str, currency: str) -> None:
    """Write the example as a workbook, for a period and in a currency of the tenant."""
    rows = (
        ("Engineering", "Software", fiscal_period, Decimal(120000), currency, "Ana Example",
         "Replace these two rows with your own."),
        ("Marketing", "Events", fiscal_period, Decimal(45000), currency, "Ben Example", None),
    )  # fmt: skip
    write_workbook(path, (("Budget", HEADER, rows),))
