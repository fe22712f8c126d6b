"""How moments and lengths of time are written: in the time zone of the organisation."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from flask import g, has_request_context
from markupsafe import Markup

_NO_BREAK = "\u00a0"
_UTC = ZoneInfo("UTC")


def zone() -> ZoneInfo:
    """The time zone of the organisation of who is asking; UTC where nobody has logged in."""
    who = g.get("principal") if has_request_context() else None
    return ZoneInfo(who.time_zone) if who is not None else _UTC


def moment(when: datetime | None) -> Markup | str:
    """A time for people and machines, with its zone."""
    if when is None:
        return "–"
    # Year first: the one order of a date that means the same to everybody.
    # It breaks after the day, and there only where a style lets it.
    return _timed(when, when.astimezone(zone()).strftime(f"%Y-%m-%d %H:%M{_NO_BREAK}%Z"))


def day_or_moment(when: datetime) -> Markup | str:
    """A day where nothing more was said than that, which is kept as its first moment."""
    local = when.astimezone(zone())
    return _timed(when, str(local.date())) if local.time() == time.min else moment(when)


def clock(when: datetime) -> str:
    """The time of day, with its zone."""
    return when.astimezone(zone()).strftime("%H:%M:%S %Z").replace(" ", _NO_BREAK)


def stamp(when: datetime) -> str:
    """A time to the second, which tells things of one kind apart where they are read out."""
    return when.astimezone(zone()).strftime("%Y-%m-%d %H:%M:%S")


def lasting(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    whole = max(int(seconds), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size}{_NO_BREAK}{unit}"
    return f"{whole}{_NO_BREAK}s"


def ago(when: datetime) -> Markup:
    """How long ago, as it is when the page is drawn, with the time itself for machines."""
    return _timed(when, f"{lasting((datetime.now(UTC) - when).total_seconds())} ago")


def ahead(when: datetime) -> Markup:
    """In how long, as `ago`; what is past is due."""
    seconds = (when - datetime.now(UTC)).total_seconds()
    return _timed(when, f"in {lasting(seconds)}" if seconds >= 1 else "now")


def _timed(when: datetime, words: str) -> Markup:
    utc = when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(utc, words)
