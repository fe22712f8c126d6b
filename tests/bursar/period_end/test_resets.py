"""Budgets that start anew: once a period, with what goes along in pairs that sum to zero."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text, update

from bursar import errors
from bursar.budgets.control import change_control
from bursar.budgets.editing import edit_budget
from bursar.database import Database
from bursar.ledger import funds
from bursar.ledger import operations as ledger
from schema.tables import BudgetRecurrence
from tests.bursar.period_end.acting import (
    Recur,
    accounts,
    all_proven,
    reserve,
    spend,
    start_anew,
)  # fmt: skip
from tests.conftest import MakeBudget


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
