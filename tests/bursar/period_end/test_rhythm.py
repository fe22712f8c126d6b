"""When periods start: months of all lengths, leap days, fiscal years, calendars of one's own."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar import fiscal
from bursar.errors import InvalidInput
from bursar.period_end.rhythm import PERIOD_TYPES, Rhythm

RETAIL = (
    fiscal.Period("P1", "custom", date(2026, 2, 1), date(2026, 2, 28)),
    fiscal.Period("P2", "custom", date(2026, 3, 1), date(2026, 4, 4)),
)


@pytest.mark.parametrize(
    ("rhythm", "day", "code", "starts_on", "next_on"),
    [
        (Rhythm("monthly"), "2026-01-31", "2026-01", "2026-01-01", "2026-02-01"),
        (Rhythm("monthly", 31), "2026-01-31", "2026-01-31", "2026-01-31", "2026-02-28"),
        (Rhythm("monthly", 31), "2028-02-28", "2028-01-31", "2028-01-31", "2028-02-29"),
        (Rhythm("monthly", 31), "2026-02-28", "2026-02-28", "2026-02-28", "2026-03-31"),
        (Rhythm("monthly", 15), "2026-01-14", "2025-12-15", "2025-12-15", "2026-01-15"),
        (Rhythm("quarterly"), "2026-05-05", "FY2026-Q2", "2026-04-01", "2026-07-01"),
        (Rhythm("quarterly", 1, 7), "2026-05-05", "FY2026-Q4", "2026-04-01", "2026-07-01"),
        (Rhythm("quarterly", 15), "2026-04-10", "2026-01-15", "2026-01-15", "2026-04-15"),
        (Rhythm("yearly"), "2026-12-31", "FY2026", "2026-01-01", "2027-01-01"),
        (Rhythm("yearly", 1, 7), "2026-06-30", "FY2026", "2025-07-01", "2026-07-01"),
        (Rhythm("yearly", 29, 2), "2028-02-29", "2028-02-29", "2028-02-29", "2029-02-28"),
        (Rhythm("custom", calendar=RETAIL), "2026-02-03", "P1", "2026-02-01", "2026-03-01"),
    ],
)  # fmt: skip
def test_the_period_of_a_day(
    rhythm: Rhythm, day: str, code: str, starts_on: str, next_on: str
) -> None:
    period = rhythm.period_of(date.fromisoformat(day))
    assert period is not None
    assert (period.code, period.starts_on) == (code, date.fromisoformat(starts_on))
    assert rhythm.next_reset(date.fromisoformat(day)) == date.fromisoformat(next_on)


@pytest.mark.parametrize("kind", ["once", "rolling"])
def test_what_has_no_periods_never_starts_anew(kind: str) -> None:
    assert Rhythm(kind).period_of(date(2026, 1, 1)) is None
    assert Rhythm(kind).next_reset(date(2026, 1, 1)) is None
    assert not Rhythm(kind).should_reset(date(2020, 1, 1), date(2026, 1, 1))


def test_it_should_start_anew_on_the_day_and_not_before() -> None:
    rhythm = Rhythm("monthly", 31)
    assert not rhythm.should_reset(date(2026, 1, 31), date(2026, 2, 27))
    assert rhythm.should_reset(date(2026, 1, 31), date(2026, 2, 28))


def test_a_calendar_that_has_ended_says_so() -> None:
    rhythm = Rhythm("custom", calendar=RETAIL)
    assert rhythm.next_reset(date(2026, 3, 1)) is None
    with pytest.raises(InvalidInput, match="No period of the calendar covers 2026-04-05"):
        rhythm.period_of(date(2026, 4, 5))


@given(
    st.sampled_from([kind for kind in PERIOD_TYPES if kind.endswith("ly")]),
    st.integers(1, 31),
    st.integers(1, 12),
    st.dates(date(1999, 1, 1), date(2101, 1, 1)),
)
def test_periods_follow_each_other_without_gap(
    kind: str, reset_day: int, start: int, day: date
) -> None:
    rhythm = Rhythm(kind, reset_day, start)
    period = rhythm.period_of(day)
    assert period is not None
    assert period.starts_on <= day <= period.ends_on
    after = rhythm.period_of(period.ends_on + timedelta(days=1))
    assert after is not None
    assert after.starts_on == period.ends_on + timedelta(days=1) == rhythm.next_reset(day)
    assert rhythm.period_of(period.starts_on) == period == rhythm.period_of(period.ends_on)
