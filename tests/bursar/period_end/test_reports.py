"""Reports over budgets that started anew: each period by itself, and all of them together."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import text

from bursar.database import Database
from bursar.ledger import operations as ledger
from bursar.period_end.resets import reset
from bursar.reports.budgets import BudgetReport, budget_report, tenant_reports
from bursar.reports.ranges import Span
from tests.conftest import MakeBudget

EVER = datetime(2000, 1, 1, tzinfo=UTC)
DAY = date(2026, 1, 1)


def now(database: Database) -> datetime:
    with database.transaction(None) as session:
        moment: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
        return moment


def report(
    database: Database, tenant: UUID, budget: UUID, first: datetime, last: datetime,
    known: datetime | None = None,
) -> BudgetReport:  # fmt: skip
    span = Span("custom", DAY, DAY, first, last)
    with database.transaction(tenant) as session:
        found = budget_report(session, tenant, budget, span, known)
        (again,) = tenant_reports(session, tenant, span, known)
    assert found == again
    used = sum((moved.delta_used for moved in found.by_kind.values()), Decimal(0))
    authorized = sum((moved.delta_authorized for moved in found.by_kind.values()), Decimal(0))
    assert found.opening.used + used == found.closing.used
    assert found.opening.authorized + authorized == found.closing.authorized
    return found


def test_each_period_keeps_its_own_figures(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    late = uuid4().hex
    for amount, ref in (("300", uuid4().hex), ("50", late)):
        ledger.reserve(database, tenant_id, budget, Decimal(amount), "USD", ref_id=ref, actor="t")
    ledger.spend(database, tenant_id, budget, Decimal(200), "USD", ref_id=uuid4().hex, actor="t")
    first_end = now(database)
    with database.transaction(tenant_id, "test") as session:
        reset(session, tenant_id, budget, actor="test", reason="", rollover="carry_unspent")
    second_start = now(database)
    ledger.spend(database, tenant_id, budget, Decimal(70), "USD", ref_id=uuid4().hex, actor="t")
    ledger.release(database, tenant_id, late, None, actor="t")
    end = now(database)

    old = report(database, tenant_id, budget, EVER, first_end)
    assert (old.closing.authorized, old.closing.used, old.closing.spent) == (1000, 550, 200)
    assert "period_end" not in old.by_kind

    new = report(database, tenant_id, budget, second_start, end)
    assert (new.opening.authorized, new.opening.used) == (1450, 0)
    assert (new.closing.authorized, new.closing.used) == (1450, 70)
    # What came late for the period before is told, and leaves with it.
    assert new.by_kind["release"].delta_used == -50
    assert new.by_kind["period_end"].delta_used == 50

    both = report(database, tenant_id, budget, EVER, end)
    assert (both.opening.authorized, both.closing.authorized, both.closing.used) == (0, 1450, 70)
    assert both.by_kind["charge"].amount == 270
    assert both.by_kind["period_end"].delta_authorized == -550  # 1000 without what went along

    as_known = report(database, tenant_id, budget, EVER, end, known=first_end)
    assert (as_known.closing.authorized, as_known.closing.used) == (1000, 550)
