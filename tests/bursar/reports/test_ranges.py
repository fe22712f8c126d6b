"""Spans of the tenant's calendar as half-open intervals in UTC, over clock changes, leap days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.errors import InvalidInput
from bursar.reports.ranges import RANGES, Calendar, asked, between, named

BERLIN, NEW_YORK, HARARE = "Europe/Berlin", "America/New_York", "Africa/Harare"
APIA, HAVANA, SANTIAGO = "Pacific/Apia", "America/Havana", "America/Santiago"


def calendar(zone: str, fiscal_start_month: int = 1) -> Calendar:
    return Calendar(ZoneInfo(zone), fiscal_start_month)


@pytest.mark.parametrize(
    ("zone", "name", "day", "starts_at", "ends_at"),
    [
        ("UTC", "today", "2026-03-05", "2026-03-05T00:00", "2026-03-06T00:00"),
        ("UTC", "today", "2024-02-29", "2024-02-29T00:00", "2024-03-01T00:00"),
        (HARARE, "today", "2026-03-05", "2026-03-04T22:00", "2026-03-05T22:00"),
        # 23 and 25 hours where the clocks change.
        (BERLIN, "today", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),
        (BERLIN, "today", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),
        (NEW_YORK, "today", "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00"),
        # Midnight is skipped in Santiago's spring, comes twice in Havana's autumn; Apia had no
        # 30 December 2011 at all.
        (SANTIAGO, "today", "2025-09-07", "2025-09-07T04:00", "2025-09-08T03:00"),
        (HAVANA, "today", "2025-11-02", "2025-11-02T04:00", "2025-11-03T05:00"),
        (APIA, "today", "2011-12-30", "2011-12-30T10:00", "2011-12-30T10:00"),
        # Weeks start on Monday, on both sides of a new year and of a change of the clocks.
        ("UTC", "week", "2026-03-09", "2026-03-09T00:00", "2026-03-16T00:00"),
        ("UTC", "week", "2026-03-15", "2026-03-09T00:00", "2026-03-16T00:00"),
        ("UTC", "week", "2026-01-01", "2025-12-29T00:00", "2026-01-05T00:00"),
        (BERLIN, "week", "2026-03-29", "2026-03-22T23:00", "2026-03-29T22:00"),
        ("UTC", "month", "2024-02-29", "2024-02-01T00:00", "2024-03-01T00:00"),
        ("UTC", "month", "2026-02-28", "2026-02-01T00:00", "2026-03-01T00:00"),
        ("UTC", "month", "2026-12-31", "2026-12-01T00:00", "2027-01-01T00:00"),
        (BERLIN, "month", "2026-10-31", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("UTC", "quarter", "2024-02-29", "2024-01-01T00:00", "2024-04-01T00:00"),
        (NEW_YORK, "quarter", "2026-11-30", "2026-10-01T04:00", "2027-01-01T05:00"),
        ("UTC", "year", "2024-12-31", "2024-01-01T00:00", "2025-01-01T00:00"),
        (HARARE, "year", "2026-01-01", "2025-12-31T22:00", "2026-12-31T22:00"),
    ],
)
def test_a_name_is_a_span(zone: str, name: str, day: str, starts_at: str, ends_at: str) -> None:
    span = named(calendar(zone), name, date.fromisoformat(day))
    assert (span.starts_at, span.ends_at) == (
        datetime.fromisoformat(f"{starts_at}+00:00"), datetime.fromisoformat(f"{ends_at}+00:00"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "name", "day", "first", "last"),
    [
        (7, "fiscal_year", "2026-06-30", "2025-07-01", "2026-06-30"),
        (7, "fiscal_year", "2026-07-01", "2026-07-01", "2027-06-30"),
        (3, "fiscal_year", "2024-02-29", "2023-03-01", "2024-02-29"),
        (4, "fiscal_quarter", "2026-03-31", "2026-01-01", "2026-03-31"),
        (2, "fiscal_quarter", "2026-01-15", "2025-11-01", "2026-01-31"),
        (2, "fiscal_quarter", "2026-02-01", "2026-02-01", "2026-04-30"),
        (1, "fiscal_year", "2026-05-05", "2026-01-01", "2026-12-31"),
        (7, "year", "2026-06-30", "2026-01-01", "2026-12-31"),
        (7, "quarter", "2026-06-30", "2026-04-01", "2026-06-30"),
    ],
)
def test_a_fiscal_span_starts_with_the_fiscal_year(
    start: int, name: str, day: str, first: str, last: str
) -> None:
    span = named(calendar("UTC", start), name, date.fromisoformat(day))
    assert (str(span.first_day), str(span.last_day)) == (first, last)


@given(
    zone=st.sampled_from(sorted(available_timezones())),
    day=st.dates(date(1970, 1, 1), date(2037, 12, 30)),
    name=st.sampled_from(RANGES),
    start=st.integers(1, 12),
)
def test_spans_follow_each_other_without_gap_or_overlap(
    zone: str, day: date, name: str, start: int
) -> None:
    kept = calendar(zone, start)
    span = named(kept, name, day)
    after = named(kept, name, span.last_day + timedelta(days=1))
    assert span.first_day <= day <= span.last_day
    assert after.starts_at == span.ends_at
    assert kept.day_of(span.ends_at - timedelta(microseconds=1)) <= span.last_day
    assert kept.day_of(span.starts_at) >= span.first_day


def test_the_present_is_the_tenant_s_and_not_the_server_s() -> None:
    now = datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert asked(calendar(NEW_YORK), now, name="year").first_day == date(2025, 1, 1)
    assert asked(calendar(HARARE), now, name="year").first_day == date(2026, 1, 1)
    assert asked(calendar(HARARE), now).name == "month"


def test_days_from_and_to_both_belong() -> None:
    now = datetime(2026, 5, 5, tzinfo=UTC)
    span = asked(calendar("UTC"), now, first=date(2026, 2, 1), last=date(2026, 2, 28))
    assert (span.starts_at, span.ends_at) == (
        datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    assert asked(calendar("UTC"), now, first=date(2026, 5, 1)).last_day == date(2026, 5, 5)


def test_as_of_is_the_present_and_the_end() -> None:
    now = datetime(2026, 5, 5, tzinfo=UTC)
    day = asked(calendar(HARARE), now, name="quarter", as_of=date(2026, 2, 14))
    assert (day.first_day, day.last_day) == (date(2026, 1, 1), date(2026, 2, 14))
    assert day.ends_at == datetime(2026, 2, 14, 22, tzinfo=UTC)
    moment = datetime(2026, 2, 14, 9, tzinfo=UTC)
    exact = asked(calendar(HARARE), now, name="month", as_of=moment)
    assert exact.ends_at == moment + timedelta(microseconds=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": date(2026, 2, 2), "last": date(2026, 2, 1)},
        {"last": date(2026, 2, 1)},
        {"name": "month", "first": date(2026, 2, 2), "last": date(2026, 2, 3)},
        {"first": date(1, 1, 1), "last": date(2026, 2, 1)},
        {"first": date(2026, 1, 1), "last": date.max},
        {"first": date(2026, 2, 2), "last": date(2026, 2, 3), "as_of": date(2026, 1, 1)},
        {"as_of": datetime.max.replace(tzinfo=UTC)},
        {"as_of": date.min},
    ],
)
def test_a_range_that_means_nothing_is_refused(wrong: dict[str, date | str]) -> None:
    with pytest.raises(InvalidInput):
        asked(calendar("UTC"), datetime(2026, 5, 5, tzinfo=UTC), **wrong)  # type: ignore[arg-type]


def test_a_leap_day_is_a_day() -> None:
    assert between(calendar("UTC"), date(2024, 2, 29), date(2024, 2, 29)).last_day.day == 29
