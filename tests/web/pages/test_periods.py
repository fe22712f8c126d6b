"""A budget's page shows the periods that it has had, and the entries of each."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from bursar.database import Database
from bursar.ledger import operations
from bursar.period_end.closing import soft_close
from bursar.period_end.recurrence import Recurrence, set_recurrence
from bursar.period_end.resets import reset
from tests.conftest import MakeBudget
from tests.web.pages.conftest import Visitor


def test_each_period_and_its_entries(
    visitor: Visitor, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    assert "Periods" not in visitor.get(f"/budgets/{budget}").text
    operations.spend(
        database, tenant_id, budget, Decimal("123.45"), "USD", ref_id="bill-7", actor="test"
    )
    with database.transaction(tenant_id, "test") as session:
        rule = Recurrence("monthly", rollover="carry_unspent", rollover_cap=Decimal(500))
        set_recurrence(session, tenant_id, budget, rule)
        (ended,) = reset(session, tenant_id, budget, actor="test", reason="new month")
    page = visitor.get(f"/budgets/{budget}").text
    assert "what is left goes along" in page
    assert "Starts anew on" in page
    assert "bill-7" not in page
    assert "Carry in" in page
    old = visitor.get(f"/budgets/{budget}", period=str(ended.from_account)).text
    assert "bill-7" in old
    assert "of the first period" in old
    # An address that names no period of this budget shows the present one.
    assert "Carry in" in visitor.get(f"/budgets/{budget}", period="nonsense").text


def test_a_closed_period_is_named(
    visitor: Visitor, database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    with database.transaction(tenant_id, "test") as session:
        soft_close(session, tenant_id, "FY2025")
    assert "Period closed" in visitor.get(f"/budgets/{budget}").text
