"""Closing a fiscal period: what goes on, what stays, and what comes late."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text, update

from bursar import errors
from bursar.budgets.control import change_control
from bursar.budgets.editing import NewBudget, create_budget, delete_budget, edit_budget
from bursar.database import Database
from bursar.jobs import runner
from bursar.jobs.rows import enqueue, get_job
from bursar.jobs.sweep import tenants_with_due
from bursar.ledger import operations as ledger
from bursar.period_end import closing
from bursar.period_end.fiscal_periods import get_period
from bursar.period_end.recurrence import Recurrence, set_recurrence
from bursar.period_end.resets import reset, reset_due
from bursar.proof.reconcile import broken_budgets
from schema.tables import BudgetRecurrence
from tests.bursar.period_end.acting import reserve
from tests.conftest import MakeBudget


def close(database: Database, tenant: UUID, rollover: str, **more: Any) -> dict[str, Any]:
    asked = {"period": "FY2025", "rollover": rollover, "rollover_cap": None, "reason": "",
             "dry_run": False, "next": "FY2026"} | more  # fmt: skip
    with database.transaction(tenant, "test") as session:
        bell = enqueue(session, tenant, "periods.close", asked, actor="test")
    runner.run(database, tenant, bell.job_id, closing.close_period, lambda *_: None)
    with database.transaction(tenant) as session:
        job = get_job(session, bell.job_id)
        assert (job.state, job.error) == ("succeeded", None)
        assert job.result is not None
        return job.result


def following(database: Database, tenant: UUID) -> Any:
    with database.transaction(tenant) as session:
        return session.execute(
            text("select * from budget_balance where fiscal_period = 'FY2026'")
        ).one_or_none()


def state_of(database: Database, tenant: UUID) -> str:
    with database.transaction(tenant) as session:
        return get_period(session, "FY2025").state


def all_proven(database: Database, tenant: UUID) -> None:
    with database.transaction(tenant) as session:
        assert broken_budgets(session, tenant) == []
        total = session.execute(
            text(
                "select coalesce(sum(case kind when 'carry_in' then amount else -amount end), 0)"
                " from ledger_entry where kind in ('carry_in', 'carry_out')"
            )
        ).scalar_one()
        assert total == 0


def test_a_soft_close_lets_what_was_begun_end(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    ref = reserve(database, tenant_id, budget, "100")
    with database.transaction(tenant_id, "test") as session:
        period, count = closing.soft_close(session, tenant_id, "FY2025")
        assert (period.state, count) == ("soft_closed", 1)
    with pytest.raises(errors.PeriodClosed):
        reserve(database, tenant_id, budget, "1")
    assert ledger.charge(database, tenant_id, ref, None, actor="test").spent == 100
    with database.transaction(tenant_id, "test") as session:
        edit_budget(session, tenant_id, budget, 1, {"status": "active"}, "test")
    with pytest.raises(errors.PeriodClosed):  # a person's word does not open it
        reserve(database, tenant_id, budget, "1")
    with database.transaction(tenant_id, "test") as session:
        assert closing.reopen(session, tenant_id, "FY2025")[1] == 1
    reserve(database, tenant_id, budget, "1")


def test_what_was_left_goes_on_to_the_budget_of_the_next_period(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    ref = reserve(database, tenant_id, budget, "300")
    ledger.charge(database, tenant_id, ref, Decimal(100), actor="test")
    found = close(database, tenant_id, "carry_all")
    assert (found["budgets"], found["closed"], found["failed"]) == (1, 1, [])
    assert found["carried"]["USD"] == {
        "unspent": "700.00", "commitments": "200.00", "backing": "0.00", "deficit": "0.00",
        "lapsed": "0.00",
    }  # fmt: skip
    after = following(database, tenant_id)
    assert (after.authorized, after.reserved, after.available) == (900, 200, 700)
    assert state_of(database, tenant_id) == "closed"
    charged = ledger.charge(database, tenant_id, ref, None, actor="test")
    assert (charged.budget_id, charged.spent, charged.state) == (after.id, 200, "charged")
    with pytest.raises(errors.PeriodClosed):
        reserve(database, tenant_id, budget, "1")
    with pytest.raises(errors.PeriodClosed), database.transaction(tenant_id, "t") as session:
        edit_budget(session, tenant_id, budget, 1, {"amount": Decimal(5)}, "test")
    all_proven(database, tenant_id)


def test_what_comes_late_goes_to_the_open_period_with_its_money(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    late, refunded = (reserve(database, tenant_id, budget, "100") for _ in range(2))
    ledger.charge(database, tenant_id, refunded, None, actor="test")
    with database.transaction(tenant_id, "test") as session:
        new = NewBudget("Engineering", "FY2026", Decimal(500), "USD", sub_category="Software")
        create_budget(session, tenant_id, new, "test")
    close(database, tenant_id, "carry_unspent")
    assert following(database, tenant_id).authorized == 1300
    with pytest.raises(errors.AmountExceedsReservation):
        ledger.charge(database, tenant_id, late, Decimal(101), actor="test")
    assert following(database, tenant_id).authorized == 1300  # a refusal moves nothing
    charged = ledger.charge(database, tenant_id, late, None, actor="test")
    assert (charged.authorized, charged.spent, charged.available) == (1400, 100, 1300)
    back = ledger.refund(database, tenant_id, refunded, None, reason="late", actor="test")
    assert (back.authorized, back.spent, back.available) == (1400, 0, 1400)
    all_proven(database, tenant_id)


def test_nothing_goes_along_by_reset_and_no_budget_is_made(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    make_budget("1000")
    found = close(database, tenant_id, "reset")
    assert found["carried"]["USD"]["lapsed"] == "1000.00"
    assert following(database, tenant_id) is None
    assert state_of(database, tenant_id) == "closed"


def test_a_dry_run_closes_nothing(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    found = close(database, tenant_id, "carry_unspent", dry_run=True, rollover_cap="400")
    assert found["carried"]["USD"]["unspent"] == "400.00"
    assert following(database, tenant_id) is None
    assert state_of(database, tenant_id) == "open"
    reserve(database, tenant_id, budget, "1")


def test_one_that_cannot_be_closed_keeps_the_period_open_for_it(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, superuser: psycopg.Connection
) -> None:
    good, bad = make_budget("100"), make_budget("100", sub_category="Other")
    superuser.execute("update budget_account set spent = spent + 1 where budget_id = %s", [bad])
    superuser.commit()
    found = close(database, tenant_id, "carry_unspent")
    assert [failure["budget_id"] for failure in found["failed"]] == [str(bad)]
    assert state_of(database, tenant_id) == "soft_closed"
    superuser.execute("update budget_account set spent = spent - 1 where budget_id = %s", [bad])
    superuser.commit()
    again = close(database, tenant_id, "carry_unspent")
    assert (again["budgets"], again["closed"]) == (1, 1)
    assert state_of(database, tenant_id) == "closed"
    with pytest.raises(errors.PeriodClosed):
        reserve(database, tenant_id, good, "1")


def test_budgets_above_go_on_above(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    above, below = make_budget("1000", sub_category="All"), make_budget("800", sub_category="Part")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, below, 1, {"parent_id": above})
    ref = reserve(database, tenant_id, below, "600")
    close(database, tenant_id, "carry_all")
    with database.transaction(tenant_id) as session:
        rows = session.execute(
            text(
                "select sub_category, authorized, reserved, rolled_up, parent_id, id"
                " from budget_balance where fiscal_period = 'FY2026' order by sub_category"
            )
        ).all()
    over, under = rows
    assert under.parent_id == over.id
    # What is held below goes along, and the money for it above.
    assert (over.authorized, over.rolled_up) == (1000, 600)
    assert (under.authorized, under.reserved) == (800, 600)
    ledger.release(database, tenant_id, ref, None, actor="test")
    all_proven(database, tenant_id)


def test_a_reopened_period_leaves_deleted_budgets_deleted(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    with database.transaction(tenant_id, "test") as session:
        delete_budget(session, budget)
        closing.soft_close(session, tenant_id, "FY2025")
        closing.reopen(session, tenant_id, "FY2025")
    with pytest.raises(errors.BudgetFrozen):
        reserve(database, tenant_id, budget, "1")


def test_what_comes_late_finds_a_budget_that_started_anew_since(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    first, second = (reserve(database, tenant_id, budget, "100") for _ in range(2))
    with database.transaction(tenant_id, "test") as session:
        new = NewBudget("Engineering", "FY2026", Decimal(500), "USD", sub_category="Software")
        after = create_budget(session, tenant_id, new, "test").id
        # The new year's budget is a month on before the old year is closed.
        reset(session, tenant_id, after, actor="test", reason="")
    close(database, tenant_id, "reset")
    charged = ledger.charge(database, tenant_id, first, None, actor="test")
    assert (charged.budget_id, charged.authorized, charged.spent) == (after, 600, 100)
    with database.transaction(tenant_id, "test") as session:
        reset(session, tenant_id, after, actor="t", reason="", day=date(2100, 1, 1))
    charged = ledger.charge(database, tenant_id, second, None, actor="test")
    assert (charged.authorized, charged.spent) == (600, 100)
    all_proven(database, tenant_id)


def test_two_periods_that_go_on_in_one_both_find_it(database: Database, tenant_id: UUID) -> None:
    quarters = {"FY2025-Q1": "", "FY2025-Q2": ""}
    for code in (*quarters, "FY2026"):
        with database.transaction(tenant_id, "test") as session:
            new = NewBudget("Engineering", code, Decimal(500), "USD")
            made = create_budget(session, tenant_id, new, "test").id
        if code in quarters:
            quarters[code] = reserve(database, tenant_id, made, "100")
    for code, ref in quarters.items():
        close(database, tenant_id, "reset", period=code)
        assert ledger.charge(database, tenant_id, ref, Decimal(1), actor="t").budget_id == made
    all_proven(database, tenant_id)


def test_what_a_reset_left_behind_goes_on_too_when_the_year_is_closed(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    ref = reserve(database, tenant_id, budget, "100")
    with database.transaction(tenant_id, "test") as session:
        reset(session, tenant_id, budget, actor="test", reason="")
    close(database, tenant_id, "carry_unspent")
    charged = ledger.charge(database, tenant_id, ref, None, actor="test")
    assert (charged.budget_id, charged.spent) == (following(database, tenant_id).id, 100)
    all_proven(database, tenant_id)


def test_a_budget_of_a_closed_period_starts_anew_no_more(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    with database.transaction(tenant_id, "test") as session:
        set_recurrence(session, tenant_id, budget, Recurrence("monthly"))
        session.execute(update(BudgetRecurrence).values(next_on=date(2026, 1, 1)))
    assert tenant_id in tenants_with_due(database, "resets")
    close(database, tenant_id, "reset")
    assert tenant_id not in tenants_with_due(database, "resets")
    with database.transaction(tenant_id, "test") as session:
        bell = enqueue(session, tenant_id, "periods.reset", {}, actor="schedule")
    runner.run(database, tenant_id, bell.job_id, reset_due, lambda *_: None)
    with database.transaction(tenant_id) as session:
        job = get_job(session, bell.job_id)
        assert job.result is not None
        assert job.result["due"] == 0
        assert session.execute(text("select count(*) from alert")).scalar_one() == 0


def test_one_whose_sum_no_budget_holds_takes_no_other_with_it(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    most = "9000000000000000"
    bad, good = make_budget(most), make_budget("100", sub_category="Other")
    with database.transaction(tenant_id, "test") as session:
        new = NewBudget("Engineering", "FY2026", Decimal(most), "USD", sub_category="Software")
        create_budget(session, tenant_id, new, "test")
    found = close(database, tenant_id, "carry_all")
    assert [failure["budget_id"] for failure in found["failed"]] == [str(bad)]
    with pytest.raises(errors.PeriodClosed):
        reserve(database, tenant_id, good, "1")
    with database.transaction(tenant_id) as session:
        carried = session.execute(
            text(
                "select authorized from budget_balance"
                " where fiscal_period = 'FY2026' and sub_category = 'Other'"
            )
        ).scalar_one()
    assert carried == 100
    all_proven(database, tenant_id)


def test_a_budget_that_is_made_is_controlled_as_the_one_before(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, budget, 1, {"control_mode": "advisory"})
    close(database, tenant_id, "carry_unspent")
    after = following(database, tenant_id)
    assert (after.control_mode, after.name) == ("advisory", "Engineering / Software")


def test_what_comes_late_below_has_its_money_above(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    over, under = make_budget("1000", sub_category="All"), make_budget("800", sub_category="Part")
    ref = reserve(database, tenant_id, under, "600")
    with database.transaction(tenant_id, "test") as session:
        change_control(session, tenant_id, under, 1, {"parent_id": over})
        next_over, next_under = (
            create_budget(
                session, tenant_id,
                NewBudget("Engineering", "FY2026", Decimal(100), "USD", sub_category=name), "test",
            ).id
            for name in ("All", "Part")
        )  # fmt: skip
        change_control(session, tenant_id, next_under, 1, {"parent_id": next_over})
    close(database, tenant_id, "reset")
    ledger.charge(database, tenant_id, ref, None, actor="test")
    for budget in (next_over, next_under):
        account = ledger.read_account(database, tenant_id, budget)
        assert (account.authorized, account.available) == (700, 100)
    all_proven(database, tenant_id)
