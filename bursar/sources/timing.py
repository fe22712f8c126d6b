"""When a source is due, by cron expressions in its own time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from bursar.errors import Fault, InvalidInput

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def require_cron(text: str, pointer: str) -> str:
    """A cron expression of five fields; `HH:MM` stands for every day at that time.

    Raises InvalidInput.
    """
    text = " ".join(text.split())
    if clock := _CLOCK.fullmatch(text):
        return f"{int(clock[2])} {int(clock[1])} * * *"
    try:
        next(CronSim(text, datetime.now(UTC)))
    except (CronSimError, StopIteration):
        raise InvalidInput(
            f"{text!r} is no schedule.",
            faults=[
                Fault(pointer, "invalid_cron",
                      "Write a time such as 02:00, or five cron fields such as 0 2 * * 1-5.")
            ],
        ) from None  # fmt: skip
    return text


def require_zone(name: str) -> str:
    """The name of a time zone. Raises InvalidInput."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"There is no time zone {name!r}.",
            faults=[Fault("/time_zone", "unknown_time_zone", "Write one such as Europe/Berlin.")],
        ) from None
    return name


def next_after(expression: str | None, zone: str, moment: datetime) -> datetime | None:
    """The next due moment after `moment`, in UTC; None without an expression.

    A time that a clock change skips is due right after it, one that comes twice is due once.
    """
    if expression is None:
        return None
    return next(CronSim(expression, moment.astimezone(ZoneInfo(zone)))).astimezone(UTC)


def previous_before(expression: str, zone: str, moment: datetime) -> datetime:
    """The newest due moment at or before `moment`, in UTC."""
    local = (moment + timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    return next(CronSim(expression, local, reverse=True)).astimezone(UTC)
