"""Cells as text that remembers what the file said of them."""

from __future__ import annotations


class Numeric(str):
    """Text of a cell that the workbook itself stores as a number: `.` is its decimal mark."""

    __slots__ = ()
