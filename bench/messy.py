"""Rows of budgets, clean and as people type them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from pathlib import Path

Row = tuple[str, str, str]
HEAD = ["Department", "Sub Category", "Fiscal Year", "Budgeted Amount"]
BAD = ("n/a?", "12,34,5.6.7", "about 300", "1.2.3")


def rows_of(count: int, seed: int) -> list[Row]:
    """Clean rows with unique keys, in no order; every twentieth or so is negative."""
    chance = random.Random(seed)
    keys = [(f"Department {n // 50:06d}", f"Category {n % 50:03d}") for n in range(count)]
    chance.shuffle(keys)
    return [(d, s, _amount(chance)) for d, s in keys]


def _amount(chance: random.Random) -> str:
    sign = "-" if chance.random() < 0.05 else ""
    return f"{sign}{chance.randrange(100, 10_000_000) / 100:.2f}"


def changed(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    """The same rows, with this share of the amounts a little larger."""
    chance = random.Random(seed)
    return [
        (d, s, f"{float(a) + 1.25:.2f}") if chance.random() < share else (d, s, a)
        for d, s, a in rows
    ]


def as_typed(rows: Sequence[Row], seed: int) -> list[list[str]]:
    """Amounts like `$1,234.56` and `(500.00)`, blanks around names, and 1% of rows that are bad."""
    chance = random.Random(seed)
    typed = []
    for n, (department, category, amount) in enumerate(rows):
        bad = chance.choice(BAD) if n % 100 == 7 else None
        name = f" {department} " if chance.random() > 0.95 else department
        period = "FY2025" if chance.random() < 0.5 else "FY 2025"
        typed.append([name, category, period, bad or _typed(amount, chance.random())])
    return typed


def _typed(amount: str, way: float) -> str:
    number = float(amount)
    if number < 0:
        return f"({-number:,.2f})"
    if way < 0.6:
        return f"${number:,.2f}"
    return f"{number:,.2f}" if way < 0.8 else amount


def csv_of(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows(rows)
    return text.getvalue().encode()


def clean_csv(rows: Sequence[Row]) -> bytes:
    return csv_of([[d, s, "FY2025", a] for d, s, a in rows])


def messy_csv(rows: Sequence[Row], seed: int) -> bytes:
    return csv_of(as_typed(rows, seed))


def write_xlsx(path: Path, rows: Sequence[Row]) -> None:
    """The rows as a workbook, amounts as numbers."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Plan")
        sheet.write_row(0, 0, HEAD)
        for n, (department, category, amount) in enumerate(rows, 1):
            sheet.write_string(n, 0, department)
            sheet.write_string(n, 1, category)
            sheet.write_string(n, 2, "FY2025")
            sheet.write_number(n, 3, float(amount))
