"""A budget's page says when it was proved, and that it is frozen because it is not."""

from __future__ import annotations

from uuid import UUID

import psycopg

from bursar.database import Database
from bursar.proof.rounds import prove
from tests.conftest import MakeBudget
from tests.web.pages.conftest import Visitor


def test_a_budget_shows_how_long_ago_it_was_proved(
    visitor: Visitor, database: Database, tenant_id: UUID, make_budget: MakeBudget,
    superuser: psycopg.Connection,
) -> None:  # fmt: skip
    budget = make_budget("1000")
    assert "Not proved yet." in visitor.get(f"/budgets/{budget}").text

    def sweep(change: str) -> str:
        superuser.execute(
            f"update budget_account set {change} where budget_id = %s".encode(), (budget,)
        )
        superuser.commit()
        with database.transaction(tenant_id, "system") as session:
            prove(session, tenant_id)
        return visitor.get(f"/budgets/{budget}").text

    proved = sweep("spent = 0")
    assert "Proved from its entries <time" in proved
    assert "s ago</time>" in proved
    assert "The ledger was proved <time" in visitor.get("/operations").text
    broken = sweep("spent = 3")
    assert (
        "Accounts that are frozen because they do not prove: 1." in visitor.get("/operations").text
    )
    assert "Frozen: its counters and entries do not agree." in broken
    assert "counters differ by 3.0000 from the entries" in broken
    assert "Proved from its entries" in sweep("spent = 0")
