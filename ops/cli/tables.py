"""Lists as plain columns."""

from __future__ import annotations

from typing import Any

from ops.cli.output import give


def give_table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    """Print these columns of the rows under their names, aligned."""
    cells = [[str(row[name] if row[name] is not None else "-") for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (list(columns), *cells):
        give(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
