"""Charts as shapes that the server draws: no script, and words that say the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from bursar.reports.burn_down import BurnDown
from web.pages.figures import money

WIDTH, HEIGHT = 640, 180
_MOST_DAYS = 180  # ahead of today that a chart shows


@dataclass(frozen=True, slots=True)
class Chart:
    """A burn-down in a box of WIDTH by HEIGHT: points of lines, places of marks, and words."""

    actual: str
    area: str
    foreseen: str
    zero: float
    today: float
    ends: float | None
    first_day: date
    last_day: date
    top: Markup | str
    words: Markup | str


def burn_down(line: BurnDown) -> Chart | None:
    """The chart of what is left; None where nothing was used, so that there is no line."""
    if len(line.left) < 3:
        return None
    first, today = line.left[0][0], line.left[-1][0]
    out = line.run_out.day
    last = _last_day(today, line)
    lefts = [left for _, left in line.left]
    top, bottom = max(*lefts, line.authorized, Decimal(0)), min(*lefts, Decimal(0))

    def x(day: date) -> float:
        return round(WIDTH * (day - first).days / (last - first).days, 1)

    def y(amount: Decimal) -> float:
        return round(float(HEIGHT * (top - amount) / (top - bottom)), 1) if top > bottom else 0.0

    actual = " ".join(f"{x(day)},{y(left)}" for day, left in line.left)
    foreseen = ""
    if last > today and line.run_out.a_day > 0:
        end = min(last, out) if out is not None else last
        left = max(lefts[-1] - line.run_out.a_day * (end - today).days, Decimal(0))
        foreseen = f"{x(today)},{y(lefts[-1])} {x(end)},{y(left)}"
    return Chart(
        actual=actual,
        area=f"{x(first)},{y(Decimal(0))} {actual} {x(today)},{y(Decimal(0))}",
        foreseen=foreseen,
        zero=y(Decimal(0)),
        today=x(today),
        ends=x(line.ends_on) if line.ends_on and first < line.ends_on <= last else None,
        first_day=first,
        last_day=last,
        top=money(top, line.currency),
        words=_words(line),
    )


def _last_day(today: date, line: BurnDown) -> date:
    ahead = [day for day in (line.ends_on, line.run_out.day) if day is not None and day > today]
    span = (today - line.left[0][0]) / 3  # some room ahead where no day is known
    return min(max(ahead, default=today + span), today + timedelta(days=_MOST_DAYS))


def _words(line: BurnDown) -> Markup | str:
    out = line.run_out
    a_day = Markup("{} a day").format(money(max(out.a_day, Decimal(0)), line.currency))
    if out.state == "run_out":
        return "Nothing is left."
    if out.state == "too_little_history":
        return "There are too few days yet to tell when it runs out."
    if out.state == "not_running_out":
        return "It does not run out as it goes now."
    if out.day is None:
        return Markup("It lasts for many years at {}.").format(a_day)
    until = f"about {out.day}"
    if out.earliest and out.latest and out.earliest != out.latest:
        until += f" (between {out.earliest} and {out.latest})"
    if line.ends_on and out.day < line.ends_on:
        until += f", {(line.ends_on - out.day).days} days before the period ends"
    return Markup("At {} it runs out {}.").format(a_day, until)
