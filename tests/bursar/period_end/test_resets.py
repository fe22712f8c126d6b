"""Budgets that start anew: once a period, with what goes along in pairs that sum to zero."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text, update

from bursar import errors
from bursar.budgets.control import change_control
from bursar.budgets.editing import edit_budget
from bursar.database import Database
from bursar.jobs import runner
from bursar.jobs.rows import enqueue, get_job
from bursar.jobs.sweep import tenants_with_due
from bursar.ledger import funds
from bursar.ledger import operations as ledger
from bursar.period_end.endings import Ending
from bursar.period_end.fiscal_periods import add_period
from bursar.period_end.recurrence import Recurrence, set_recurrence, today
from bursar.period_end.resets import reset, reset_due
from bursar.proof.reconcile import broken_budgets
from schema.tables import BudgetRecurrence
from tests.conftest import MakeBudget

Recur = Callable[..., BudgetRecurrence]


@pytest.fixture
def recur(database: Database, tenant_id: UUID) -> Recur:
    """Gives a budget a recurrence, monthly unless said otherwise."""

    def set_it(budget: UUID, period_type: str = "monthly", **more: Any) -> BudgetRecurrence:
        with database.transaction(tenant_id, "test") as session:
            return set_recurrence(session, tenant_id, budget, Recurrence(period_type, **more))

    return set_it


def spend(database: Database, tenant: UUID, budget: UUID, amount: str) -> None:
    ledger.spend(database, tenant, budget, Decimal(amount), "USD", ref_id=uuid4().hex, actor="test")


def reserve(database: Database, tenant: UUID, budget: UUID, amount: str) -> str:
    ref = uuid4().hex
    ledger.reserve(database, tenant, budget, Decimal(amount), "USD", ref_id=ref, actor="test")
    return ref


def start_anew(database: Database, tenant: UUID, budget: UUID, **more: Any) -> list[Ending]:
    with database.transaction(tenant, "test") as session:
        return reset(session, tenant, budget, actor="test", reason="test", **more)


def accounts(database: Database, tenant: UUID, budget: UUID) -> list[Any]:
    with database.transaction(tenant) as session:
        query = (
            "select * from budget_account where budget_id = :budget order by opened_at nulls first"
        )
        return list(session.execute(text(query), {"budget": budget}))


def all_proven(database: Database, tenant: UUID) -> None:
    with database.transaction(tenant) as session:
        assert broken_budgets(session, tenant) == []


def test_a_new_period_starts_with_nothing_used_and_the_old_keeps_its_figures(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget)
    spend(database, tenant_id, budget, "300")
    (ending,) = start_anew(database, tenant_id, budget)
    assert (ending.state, ending.spent, ending.lapsed, ending.allowance) == ("done", 300, 700, 1000)
    now = ledger.read_account(database, tenant_id, budget)
    assert (now.authorized, now.balance, now.available) == (1000, 0, 1000)
    before, after = accounts(database, tenant_id, budget)
    assert (before.spent, before.authorized, after.follows) == (300, 1000, before.id)
    assert before.closed_at is not None
    all_proven(database, tenant_id)


def test_a_second_time_in_the_same_period_does_nothing(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget)
    start_anew(database, tenant_id, budget)
    spend(database, tenant_id, budget, "10")
    (again,) = start_anew(database, tenant_id, budget)
    assert again.state == "already_done"
    assert ledger.read_account(database, tenant_id, budget).spent == 10
    assert len(accounts(database, tenant_id, budget)) == 2


@pytest.mark.parametrize(
    ("rollover", "cap", "authorized", "used"),
    [
        ("reset", None, 1000, 0),
        ("carry_unspent", None, 1550, 0),
        ("carry_unspent", "300", 1300, 0),
        ("carry_commitments", None, 1150, 150),
        ("carry_deficit", None, 1000, 0),
        ("carry_all", None, 1700, 150),
        ("carry_all", "300", 1450, 150),
    ],
)
def test_what_goes_along(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur,
    rollover: str, cap: str | None, authorized: int, used: int,
) -> None:  # fmt: skip
    budget = make_budget("1000")
    recur(budget, rollover=rollover, rollover_cap=cap and Decimal(cap))
    spend(database, tenant_id, budget, "300")
    ref = reserve(database, tenant_id, budget, "150")
    start_anew(database, tenant_id, budget)
    now = ledger.read_account(database, tenant_id, budget)
    assert (now.authorized, now.balance) == (authorized, used)
    with database.transaction(tenant_id) as session:
        carried = session.execute(
            text(
                "select coalesce(sum(case kind when 'carry_in' then amount else -amount end), 0),"
                " count(*) % 2 from ledger_entry where kind in ('carry_in', 'carry_out')"
                " and tenant_id = :tenant"
            ),
            {"tenant": tenant_id},
        ).one()
    assert tuple(carried) == (0, 0)
    charged = ledger.charge(database, tenant_id, ref, None, actor="test")
    assert charged.spent == (150 if used else 450)  # where it went along, in the new period
    all_proven(database, tenant_id)


def test_a_deficit_goes_along(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget, rollover="carry_deficit")
    spend(database, tenant_id, budget, "900")
    with database.transaction(tenant_id, "test") as session:
        edit_budget(session, tenant_id, budget, 1, {"amount": Decimal(800)}, "test", "cut")
    (ending,) = start_anew(database, tenant_id, budget)
    assert (ending.deficit, ending.lapsed, ending.allowance) == (100, 0, 800)
    assert ledger.read_account(database, tenant_id, budget).available == 700
    all_proven(database, tenant_id)


def test_topups_come_once_and_adjustments_stay(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget)
    funds.fund(database, tenant_id, budget, Decimal(500), "USD", reason="once", actor="test")
    with database.transaction(tenant_id, "test") as session:
        edit_budget(session, tenant_id, budget, 1, {"amount": Decimal(1700)}, "test")
    (ending,) = start_anew(database, tenant_id, budget)
    assert ending.allowance == 1200


def test_an_allowance_that_was_set_is_what_each_period_gets(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget, allowance=Decimal(250))
    start_anew(database, tenant_id, budget)
    assert ledger.read_account(database, tenant_id, budget).authorized == 250


def test_missed_periods_are_all_gone_through(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("100")
    recur(budget, rollover="carry_unspent")
    with database.transaction(tenant_id, "test") as session:
        session.execute(update(BudgetRecurrence).values(next_on=date(2026, 1, 1)))
    endings = start_anew(database, tenant_id, budget, day=date(2026, 4, 30))
    assert len(endings) == 4
    codes = [row.period_code for row in accounts(database, tenant_id, budget)]
    assert codes == [None, "2026-01", "2026-02", "2026-03", "2026-04"]
    assert ledger.read_account(database, tenant_id, budget).authorized == 500
    all_proven(database, tenant_id)


def test_a_dry_run_changes_nothing(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget, rollover="carry_unspent")
    spend(database, tenant_id, budget, "300")
    (planned,) = start_anew(database, tenant_id, budget, dry_run=True)
    assert (planned.state, planned.unspent) == ("planned", 700)
    assert ledger.read_account(database, tenant_id, budget).spent == 300
    assert len(accounts(database, tenant_id, budget)) == 1


def test_a_wrong_counter_is_not_carried_on(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur,
    superuser: psycopg.Connection,
) -> None:  # fmt: skip
    budget = make_budget("1000")
    recur(budget)
    superuser.execute("update budget_account set spent = spent + 1 where budget_id = %s", [budget])
    superuser.commit()
    with pytest.raises(errors.CountersDisagree):
        start_anew(database, tenant_id, budget)


def test_fifty_at_once_start_it_anew_once(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("1000")
    recur(budget)
    gate = threading.Barrier(20)

    def one(_: int) -> str:
        gate.wait()
        return start_anew(database, tenant_id, budget)[0].state

    with ThreadPoolExecutor(20) as pool:
        states = list(pool.map(one, range(20)))
    assert sorted(set(states)) == ["already_done", "done"]
    assert states.count("done") == 1
    assert len(accounts(database, tenant_id, budget)) == 2


def test_reservations_during_a_reset_land_in_one_period_or_the_other(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    budget = make_budget("100000")
    recur(budget)
    done = threading.Event()
    made = 0

    def keep_reserving() -> int:
        count = 0
        while not done.is_set() or count < 20:
            reserve(database, tenant_id, budget, "1")
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(keep_reserving) for _ in range(4)]
        start_anew(database, tenant_id, budget)
        done.set()
        made = sum(one.result() for one in running)
    both = accounts(database, tenant_id, budget)
    assert sum(row.reserved for row in both) == made
    all_proven(database, tenant_id)


def test_a_budget_that_controls_others_starts_anew_with_them(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    above, below = make_budget("1000", sub_category="All"), make_budget("800", sub_category="Part")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, below, 1, {"parent_id": above})
    for budget in (above, below):
        recur(budget, rollover="carry_unspent")
    spend(database, tenant_id, below, "600")
    start_anew(database, tenant_id, above)
    all_proven(database, tenant_id)
    assert ledger.read_account(database, tenant_id, above).authorized == 1400
    assert ledger.read_account(database, tenant_id, above).available == 800  # not below yet
    start_anew(database, tenant_id, below)
    all_proven(database, tenant_id)
    assert ledger.read_account(database, tenant_id, above).available == 1400
    spend(database, tenant_id, below, "900")
    assert ledger.read_account(database, tenant_id, above).available == 500
    with pytest.raises(errors.InvalidInput, match="other periods"):
        recur(below, "yearly")


def test_what_is_held_below_has_its_money_above(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, recur: Recur
) -> None:
    above, below = make_budget("1000", sub_category="All"), make_budget("800", sub_category="Part")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, below, 1, {"parent_id": above})
    for budget in (above, below):
        recur(budget, rollover="carry_commitments")
    reserve(database, tenant_id, below, "600")
    for budget in (above, below):
        start_anew(database, tenant_id, budget)
    over, under = (ledger.read_account(database, tenant_id, one) for one in (above, below))
    assert (over.authorized, over.available) == (1600, 1000)
    assert (under.authorized, under.reserved, under.available) == (1400, 600, 800)
    all_proven(database, tenant_id)


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
