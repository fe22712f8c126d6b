"""What a cell is read as: its text, nothing, or why it was refused."""

from __future__ import annotations

from typing import NamedTuple


class Refused(NamedTuple):
    """In place of a value: why the cell was refused."""

    code: str
    detail: str


Value = str | Refused | None
