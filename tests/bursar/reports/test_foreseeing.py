"""Alerts about budgets that will run out: once, and ended when they will last."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from bursar import alerts
from bursar.database import Database
from bursar.jobs import runner
from bursar.jobs.rows import enqueue, get_job
from bursar.ledger import funds
from bursar.period_end.recurrence import Recurrence, set_recurrence
from bursar.period_end.resets import reset
from bursar.reports.burning import forecast
from bursar.reports.foreseeing import foreseen, tell_foreseen
from bursar.reports.ranges import Calendar
from tests.bursar.reports.posting import Past
from tests.conftest import MakeBudget

YEAR = datetime.now(UTC).year


@pytest.fixture
def past(superuser: psycopg.Connection) -> Past:
    return Past(superuser)


def burn(past: Past, budget: UUID, amounts: list[str]) -> None:
    """Reserve an amount on each of the days before today."""
    noon = datetime.combine(datetime.now(UTC).date(), time(12), UTC)
    for n, amount in enumerate(amounts):
        past.post(budget, "reserve", amount, noon - timedelta(days=len(amounts) - n))


def look(database: Database, tenant: UUID) -> dict[str, Any]:
    with database.transaction(tenant, "schedule") as session:
        bell = enqueue(session, tenant, "alerts.forecast", {}, actor="schedule")
    runner.run(database, tenant, bell.job_id, tell_foreseen, runner.nothing_to_tell)
    with database.transaction(tenant) as session:
        result = get_job(session, bell.job_id).result
        assert result is not None
        return result


def far_period(superuser: psycopg.Connection, tenant: UUID, ends_on: date) -> None:
    superuser.execute(
        "update fiscal_period set ends_on = %s where tenant_id = %s", (ends_on, tenant)
    )
    superuser.commit()


def test_a_budget_that_will_run_out_is_told_of_once(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget, calm = make_budget("200"), make_budget("100000", sub_category="Calm")
    today = datetime.now(UTC).date()
    far_period(past.superuser, tenant_id, today + timedelta(days=60))
    burn(past, budget, ["10"] * 10)
    burn(past, calm, ["10"] * 10)
    with database.transaction(tenant_id) as session:
        (one,) = foreseen(session, tenant_id, datetime.now(UTC))
    assert one.budget_id == budget
    # A hundred is left at ten a day: the tenth day from today on is the last.
    assert one.run_out.day == one.run_out.earliest == today + timedelta(days=9)
    assert look(database, tenant_id) == {"foreseen": 1, "raised": 1, "ended": 0}
    assert look(database, tenant_id) == {"foreseen": 1, "raised": 0, "ended": 0}
    funds.fund(database, tenant_id, budget, Decimal(5000), "USD", reason="more", actor="test")
    assert look(database, tenant_id) == {"foreseen": 0, "raised": 0, "ended": 1}
    with database.transaction(tenant_id) as session:
        (row,) = alerts.list_alerts(session, kind="forecast_run_out").rows
        assert (row.Alert.state, row.Alert.budget_id) == ("resolved", budget)


def test_a_period_that_ends_before_is_no_alarm(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("200")
    burn(past, budget, ["10"] * 10)
    far_period(past.superuser, tenant_id, datetime.now(UTC).date() + timedelta(days=5))
    assert look(database, tenant_id)["foreseen"] == 0


def test_the_end_of_a_budget_that_starts_anew_is_its_own(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("1000")
    far_period(past.superuser, tenant_id, datetime.now(UTC).date() + timedelta(days=600))
    burn(past, budget, ["10"] * 10)
    assert look(database, tenant_id)["foreseen"] == 1
    with database.transaction(tenant_id, "test") as session:
        rule = set_recurrence(session, tenant_id, budget, Recurrence("monthly"))
        rule.next_on = datetime.now(UTC).date() + timedelta(days=20)
    assert look(database, tenant_id) == {"foreseen": 0, "raised": 0, "ended": 1}
    with database.transaction(tenant_id, "test") as session:
        reset(session, tenant_id, budget, actor="test", reason="")
        session.get_one(type(rule), (tenant_id, budget)).next_on = datetime.now(
            UTC
        ).date() + timedelta(days=150)
    # What the period before used a day still tells what the new one will.
    assert look(database, tenant_id)["foreseen"] == 1


def test_what_was_carried_in_is_not_what_a_day_used(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("200")
    now = datetime.now(UTC)
    far_period(past.superuser, tenant_id, now.date() + timedelta(days=60))
    past.post(budget, "carry_in", "500", now - timedelta(days=9))
    burn(past, budget, ["1"] * 10)
    with database.transaction(tenant_id) as session:
        assert list(foreseen(session, tenant_id, now)) == []
        found = forecast(session, tenant_id, Calendar(ZoneInfo("UTC")), now, budget)
    assert (found.used, found.days, found.run_out.a_day) == (10, 10, 1)
