"""When a budget will run out, from what was used day by day: an estimate, with its interval.

The method is the forecast with drift: use goes on at the mean of the days that were looked at, and
strays from it as a random walk with the spread s of those days. After h days, knowing n, the
spread is `s * sqrt(h * (1 + h / n))` (Hyndman and Athanasopoulos, Forecasting: Principles and
Practice, 5.2 and 5.5). The last of the money goes on the day on which the mean reaches it; the
interval reaches from the day on which the upper edge does to that of the lower. Without spread the
day is exact. Everything is decimal and nothing is drawn by lot: the same days, the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import Literal

State = Literal["running_out", "run_out", "not_running_out", "too_little_history", "far_ahead"]
LEAST_DAYS = 7
CONFIDENCE_PERCENT = 80
_Z = Decimal("1.2815515655446004")  # of the normal distribution, for 80 percent between both edges
_FARTHEST_DAYS = 36_525
_ALMOST = Decimal("1e-9")  # what rounding may have added to a number of whole days
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class RunOut:
    """The day on which the last of the money goes; None where none is foreseen.

    It lies from `earliest` to `latest` with a probability of 80 percent; without `latest` there is
    no end to it.
    """

    state: State
    a_day: Decimal
    day: date | None = None
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True)
class Backtest:
    """How the method would have done on the same days, a week ahead from each of them.

    `error_percent` is the sum of all errors in percent of all use; `covered_percent` says how often
    the truth lay within the interval, which should be near 80.
    """

    forecasts: int
    error_percent: Decimal
    covered_percent: Decimal


def run_out(today: date, remaining: Decimal, daily: Sequence[Decimal]) -> RunOut:
    """When `remaining`, as it was when `today` began, is used up; `daily` are the days before."""
    if remaining <= 0:
        return RunOut("run_out", _mean(daily))
    if len(daily) < LEAST_DAYS:
        return RunOut("too_little_history", _mean(daily))
    used = sum(daily, _ZERO)
    if used <= 0:
        return RunOut("not_running_out", _mean(daily))
    days = Fraction(remaining) * len(daily) / Fraction(used)
    if days > _FARTHEST_DAYS:
        return RunOut("far_ahead", _mean(daily))
    day = today + timedelta(days=math.ceil(days) - 1)
    if len(set(daily)) == 1:
        return RunOut("running_out", _mean(daily), day, day, day)
    earliest, latest = _edges(remaining, daily)
    return RunOut(
        "running_out", _mean(daily), day,
        min(day, _day(today, earliest)),
        None if latest is None or latest > _FARTHEST_DAYS else max(day, _day(today, latest)),
    )  # fmt: skip


def _mean(daily: Sequence[Decimal]) -> Decimal:
    return sum(daily, _ZERO) / len(daily) if daily else _ZERO


def _day(today: date, days: Decimal) -> date:
    return today + timedelta(days=max(math.ceil(days - _ALMOST), 1) - 1)


def _edges(remaining: Decimal, daily: Sequence[Decimal]) -> tuple[Decimal, Decimal | None]:
    """Days until the upper and the lower edge reach what remains: h·m ± z·s·√(h(1+h/n)) = r."""
    n, mean = len(daily), _mean(daily)
    spread = _Z * _Z * sum(((use - mean) ** 2 for use in daily), _ZERO) / (n - 1)
    # Both are roots of a·h² − b·h + r² = 0; with a of 0 or less the lower edge never gets there.
    a, b = mean * mean - spread / n, 2 * remaining * mean + spread
    root = max(b * b - 4 * a * remaining * remaining, _ZERO).sqrt()
    return 2 * remaining * remaining / (b + root), (b + root) / (2 * a) if a > 0 else None


def backtest(daily: Sequence[Decimal], ahead: int = 7) -> Backtest | None:
    """Forecast `ahead` days from each day that has enough days before it; None where none has."""
    sums = [_ZERO, *accumulate(daily)]
    squares = [_ZERO, *accumulate(use * use for use in daily)]
    errors = actuals = _ZERO
    covered = tried = 0
    for n in range(LEAST_DAYS, len(daily) - ahead + 1):
        actual = sums[n + ahead] - sums[n]
        error = abs(sums[n] / n * ahead - actual)
        variance = max(squares[n] - sums[n] * sums[n] / n, _ZERO) / (n - 1)
        width = _Z * (variance * ahead * (1 + Decimal(ahead) / n)).sqrt()
        tried += 1
        covered += error <= width + _ALMOST
        errors += error
        actuals += abs(actual)
    if not tried or not actuals:
        return None
    return Backtest(
        tried, round(errors * 100 / actuals, 2), round(Decimal(covered) * 100 / tried, 2)
    )
