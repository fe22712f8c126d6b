"""When money runs out: exact on a line, honest about its interval, silent without knowledge."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.database import Database
from bursar.reports.burning import Forecast, forecast
from bursar.reports.forecast import backtest, run_out
from bursar.reports.ranges import Calendar
from tests.bursar.reports.posting import Past
from tests.conftest import MakeBudget

TODAY = date(2026, 5, 5)
NOW = datetime.now(UTC)


def decimals(*numbers: object) -> list[Decimal]:
    return [Decimal(str(number)) for number in numbers]


@pytest.mark.parametrize(
    ("remaining", "a_day", "day"),
    [
        ("500", "10", date(2026, 6, 23)),  # the fiftieth day, today being the first
        ("10", "10", TODAY),
        ("10.01", "10", TODAY + timedelta(days=1)),
        ("9.99", "10", TODAY),
        ("100", "3.3333", TODAY + timedelta(days=30)),
        ("0.03", "0.01", TODAY + timedelta(days=2)),
    ],
)
def test_a_line_runs_out_on_its_day(remaining: str, a_day: str, day: date) -> None:
    found = run_out(TODAY, Decimal(remaining), decimals(*[a_day] * 30))
    assert (found.state, found.day, found.earliest, found.latest) == ("running_out", day, day, day)


@given(
    a_day=st.decimals("0.01", "9999", places=2),
    days=st.integers(1, 3000),
    seen=st.integers(7, 365),
)
def test_any_line_runs_out_exactly(a_day: Decimal, days: int, seen: int) -> None:
    found = run_out(TODAY, a_day * days, [a_day] * seen)
    assert found.day == TODAY + timedelta(days=days - 1)


def test_what_cannot_be_said_is_not_said() -> None:
    flat = decimals(*[0] * 30)
    assert run_out(TODAY, Decimal(5), flat).state == "not_running_out"
    assert run_out(TODAY, Decimal(5), decimals(*[-1] * 30)).state == "not_running_out"
    assert run_out(TODAY, Decimal(5), decimals(1, 2, 3)).state == "too_little_history"
    assert run_out(TODAY, Decimal(0), decimals(*[1] * 30)).state == "run_out"
    assert run_out(TODAY, Decimal(10**9), decimals(*[1] * 30)).state == "far_ahead"
    assert run_out(TODAY, Decimal(5), []).day is None
    # So uneven that money may last for ever.
    wild = run_out(TODAY, Decimal(5000), decimals(*([0] * 29 + [3000])))
    assert wild.latest is None
    assert wild.earliest is not None


@given(
    daily=st.lists(st.decimals("-50", "500", places=2), min_size=7, max_size=60),
    remaining=st.decimals("0.01", "1000000", places=2),
)
def test_the_day_lies_in_its_interval(daily: list[Decimal], remaining: Decimal) -> None:
    found = run_out(TODAY, remaining, daily)
    if found.day is not None:
        assert found.earliest is not None
        assert TODAY <= found.earliest <= found.day
        assert found.latest is None or found.day <= found.latest


def test_four_of_five_series_run_out_within_the_interval() -> None:
    draw = random.Random(7)
    hit = tried = 0
    for _ in range(400):
        series = decimals(*(round(max(draw.gauss(20, 9), 0), 2) for _ in range(400)))
        remaining = Decimal(draw.randint(400, 1600))
        found = run_out(TODAY, remaining, series[:60])
        left, days = remaining, 0
        while left > 0:
            left -= series[60 + days]
            days += 1
        truth = TODAY + timedelta(days=days - 1)
        assert found.earliest is not None
        hit += found.earliest <= truth and (found.latest is None or truth <= found.latest)
        tried += 1
    assert 0.74 <= hit / tried <= 0.90


def test_the_backtest_says_how_far_off_the_method_was() -> None:
    line = backtest(decimals(*[10] * 40))
    assert line is not None
    assert (line.forecasts, line.error_percent, line.covered_percent) == (27, 0, 100)
    draw = random.Random(3)
    noisy = backtest(decimals(*(round(max(draw.gauss(20, 9), 0), 2) for _ in range(300))))
    assert noisy is not None
    assert 5 < noisy.error_percent < 25
    assert 65 <= noisy.covered_percent <= 92
    assert backtest(decimals(*[10] * 10)) is None


def look(database: Database, tenant: UUID, budget: UUID, window: int = 90) -> Forecast:
    with database.transaction(tenant) as session:
        return forecast(session, tenant, Calendar(ZoneInfo("UTC")), NOW, budget, window)


def test_a_budget_used_evenly_runs_out_on_its_day(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("1000")
    past.backdate(budget, NOW - timedelta(days=45))
    for days in range(40, 0, -1):
        past.post(budget, "reserve", "10", NOW - timedelta(days=days))
        past.post(budget, "charge", "7", NOW - timedelta(days=days))  # uses nothing more
    for window in (90, 20, 7):
        found = look(database, tenant_id, budget, window)
        assert (found.run_out.a_day, found.days) == (10, min(window, 40))
        assert found.available == 600
        assert found.run_out.day == found.today + timedelta(days=59)
    past.post(budget, "reserve", "10", NOW)  # today's share changes nothing
    assert look(database, tenant_id, budget).run_out.day == found.run_out.day


def test_a_new_budget_has_no_forecast(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    found = look(database, tenant_id, make_budget("1000"))
    assert (found.run_out.state, found.days, found.backtest) == ("too_little_history", 0, None)
