"""Budgets that are due: found, reset by a job, and none lost when their rule changes."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text, update

from bursar.database import Database
from bursar.jobs import runner
from bursar.jobs.rows import enqueue, get_job
from bursar.jobs.sweep import tenants_with_due
from bursar.period_end.fiscal_periods import add_period
from bursar.period_end.recurrence import today
from bursar.period_end.resets import reset_due
from schema.tables import BudgetRecurrence
from tests.bursar.period_end.acting import (
    Recur,
    start_anew,
)  # fmt: skip
from tests.conftest import MakeBudget


def run_reset_job(database: Database, tenant: UUID) -> dict[str, Any]:
    with database.transaction(tenant, "schedule") as session:
        bell = enqueue(session, tenant, "periods.reset", {}, actor="schedule")
    runner.run(database, tenant, bell.job_id, reset_due, lambda *_: None)
    with database.transaction(tenant) as session:
        job = get_job(session, bell.job_id)
        assert (job.state, job.error) == ("succeeded", None)
        assert job.result is not None
        return job.result


def test_one_that_cannot_be_reset_stops_no_other(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur,
    superuser: psycopg.Connection,
) -> None:  # fmt: skip
    budgets = [make_budget("100", sub_category=f"Part {n}") for n in range(50)]
    for budget in budgets:
        recur(budget)
    with database.transaction(tenant_id, "test") as session:
        # One period is over, whatever the day and the tenant's zone.
        day = today(session).replace(day=1)
        session.execute(update(BudgetRecurrence).values(next_on=day))
    superuser.execute(
        "update budget_account set spent = spent + 1 where budget_id = %s", [budgets[7]]
    )
    superuser.commit()
    found = run_reset_job(database, tenant_id)
    assert (found["due"], found["reset"]) == (50, 49)
    (failure,) = found["failed"]
    assert (failure["budget_id"], failure["code"]) == (str(budgets[7]), "counters_disagree")
    assert run_reset_job(database, tenant_id)["due"] == 0  # it is tried again after a while
    with database.transaction(tenant_id) as session:
        (alert,) = session.execute(text("select type, budget_id from alert")).all()
    assert (alert.type, alert.budget_id) == ("reset_failed", budgets[7])


def test_only_budgets_that_are_due_are_found(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:

    recur(make_budget("100"))
    assert tenant_id not in tenants_with_due(database, "resets")
    with database.transaction(tenant_id, "test") as session:
        session.execute(update(BudgetRecurrence).values(next_on=date(2026, 1, 1)))
    assert tenant_id in tenants_with_due(database, "resets")


def test_a_changed_rule_loses_no_period_that_is_over(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("100")
    recur(budget)
    with database.transaction(tenant_id, "test") as session:
        session.execute(update(BudgetRecurrence).values(next_on=date(2026, 1, 1)))
    assert recur(budget, rollover="carry_unspent").next_on == date(2026, 1, 1)
    assert recur(budget, reset_day=2).next_on != date(2026, 1, 1)  # another rhythm begins today


def test_a_calendar_that_goes_on_is_followed(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("100")
    with database.transaction(tenant_id, "test") as session:
        day = today(session)
        add_period(session, tenant_id, "R-1", day - timedelta(9), day, "retail")
    assert recur(budget, "custom", calendar="retail").next_on is None
    for code, first in (("R-3", 11), ("R-2", 1)):  # in whichever order they are added
        with database.transaction(tenant_id, "test") as session:
            start = day + timedelta(first)
            add_period(session, tenant_id, code, start, start + timedelta(9), "retail")
        with database.transaction(tenant_id) as session:
            assert session.get_one(BudgetRecurrence, (tenant_id, budget)).next_on == start


def test_a_cap_by_hand_stands_in_for_that_of_the_rule(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget, rollover="carry_unspent")
    (ending,) = start_anew(database, tenant_id, budget, cap=Decimal(7))
    assert ending.unspent == 7
