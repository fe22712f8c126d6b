"""Doubles as exact decimal text: workbooks store nothing else, and exports print them raw."""

from __future__ import annotations

import math
from decimal import Decimal


def double_text(value: float) -> str:
    """The shortest decimal that is this double, without an exponent and without float noise.

    0.1 + 0.2 is stored as 0.30000000000000004 and means 0.3: where a double needs more than 15
    digits, the fewest decimals within the noise of adding up doubles are taken.
    """
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    text = repr(value)
    exact = Decimal(text)
    if len(exact.as_tuple().digits) > 15:
        exact = without_noise(exact)
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def without_noise(number: Decimal) -> Decimal:
    """`number` to the fewest decimals that differ by float noise only, else unchanged."""
    size = abs(number)
    tolerance = min(size * Decimal("1e-9"), max(Decimal("1e-6"), size * Decimal("1e-15")))
    for places in range(7):
        rounded = round(number, places)
        if abs(rounded - number) <= tolerance:
            return rounded
    return number
