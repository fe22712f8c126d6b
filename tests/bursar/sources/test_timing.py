"""When sources are due, across changes of the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from bursar.errors import InvalidInput
from bursar.sources.timing import next_after, previous_before, require_cron, require_zone


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_time_of_day_is_a_schedule() -> None:
    assert require_cron("02:00", "/schedule") == "0 2 * * *"
    assert require_cron(" 30  6 * * 1-5 ", "/schedule") == "30 6 * * 1-5"


@pytest.mark.parametrize(
    "text", ["25:00", "every day", "* * * *", "0 0 31 2 *", "61 * * * *", "@daily"]
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_cron(text, "/schedule")
    assert refused.value.faults[0].code == "invalid_cron"


def test_what_is_no_time_zone_is_refused() -> None:
    for name in ("Berlin", "../etc/passwd", ""):
        with pytest.raises(InvalidInput):
            require_zone(name)


def test_two_in_the_morning_is_two_in_the_morning_there() -> None:
    zone = "America/New_York"
    assert next_after("0 2 * * *", zone, at("2026-01-10T12:00")) == at("2026-01-11T07:00")
    assert next_after("0 2 * * *", zone, at("2026-07-10T12:00")) == at("2026-07-11T06:00")


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]
)
@pytest.mark.parametrize("expression", ["0 2 * * *", "30 2 * * *", "30 1 * * *"])
def test_every_day_of_a_year_is_due_once(zone: str, expression: str) -> None:
    from zoneinfo import ZoneInfo

    moment, days = at("2026-01-01T12:00"), []
    while moment < at("2027-01-01T12:00"):
        due = next_after(expression, zone, moment)
        assert due is not None
        assert due > moment
        days.append(due.astimezone(ZoneInfo(zone)).date())
        moment = due
    assert len(days) == len(set(days))
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


def test_the_moment_before_is_found() -> None:
    assert previous_before("0 6 * * *", "UTC", at("2026-05-02T06:00")) == at("2026-05-02T06:00")
    assert previous_before("0 6 * * *", "UTC", at("2026-05-02T05:59")) == at("2026-05-01T06:00")
    assert next_after(None, "UTC", at("2026-05-02T05:59")) is None
