"""Repairs: counters from a whole chain, entries where the chain is broken, never both."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from bursar import alerts, errors
from bursar.database import Database
from bursar.ledger import operations
from bursar.proof.fixing import fix_discrepancy
from bursar.proof.reconcile import broken_accounts, reconcile
from bursar.proof.rounds import prove
from tests.conftest import MakeBudget


class Watched:
    """A budget of 1,000 of which 1, 2 and 3 are reserved, under the eyes of the proof."""

    def __init__(
        self, database: Database, tenant_id: UUID, budget: UUID, superuser: psycopg.Connection
    ) -> None:
        self.database, self.tenant_id, self.budget = database, tenant_id, budget
        self._superuser = superuser
        for amount in (1, 2, 3):
            self.reserve(amount)

    def reserve(self, amount: int) -> None:
        operations.reserve(
            self.database, self.tenant_id, self.budget, Decimal(amount), "USD",
            ref_id=uuid4().hex, actor="test",
        )  # fmt: skip

    def sweep(self) -> list[str]:
        with self.database.transaction(self.tenant_id, "system") as session:
            return [event.event for event in prove(session, self.tenant_id)]

    def corrupt(self, *statements: str) -> None:
        self._superuser.execute("set local session_replication_role = replica")
        for statement in statements:
            self._superuser.execute(statement, {"b": self.budget})
        self._superuser.commit()

    def fix(self, reason: str = "as found") -> list[tuple[str, int]]:
        with self.database.transaction(self.tenant_id, "person") as session:
            done = fix_discrepancy(session, self.tenant_id, self.budget, reason, "person")
            return [(one.outcome, one.entries) for one in done]

    def account(self) -> Any:
        return operations.read_account(self.database, self.tenant_id, self.budget)

    def require_sound(self) -> None:
        with self.database.transaction(self.tenant_id) as session:
            assert broken_accounts(session, self.tenant_id) == []
            found = reconcile(session, self.tenant_id, self.budget, whole_chain=True)
            assert (found.discrepancy, found.first_bad_seq) == (0, None)
        assert self.sweep() == []
        self.reserve(1)
        assert self.sweep() == []
        with self.database.transaction(self.tenant_id) as session:
            assert alerts.list_alerts(session, state="open", kind="discrepancy").rows == []


@pytest.fixture
def watched(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, superuser: psycopg.Connection
) -> Watched:
    return Watched(database, tenant_id, make_budget("1000"), superuser)


@pytest.mark.parametrize("column", ["authorized", "reserved", "spent", "rolled_up"])
def test_a_wrong_counter_is_rebuilt_from_its_entries(watched: Watched, column: str) -> None:
    before = watched.account()
    watched.corrupt(f"update budget_account set {column} = {column} + 9 where budget_id = %(b)s")
    assert watched.sweep() == ["frozen"]
    assert watched.fix() == [("rebuilt", 0)]
    after = watched.account()
    assert (after.authorized, after.reserved, after.spent, after.available, after.entry_seq) == (
        before.authorized, before.reserved, before.spent, before.available, before.entry_seq,
    )  # fmt: skip
    watched.require_sound()


CUT_BACK = (
    "delete from ledger_entry where account_id = %(b)s and seq > 2",
    "update budget_account a set entry_seq = 2, reserved = 1, head_hash ="
    " (select hash from ledger_entry where account_id = %(b)s and seq = 2) where a.id = %(b)s",
)
BROKEN: dict[str, tuple[tuple[str, ...], int]] = {
    "amount": (("update ledger_entry set amount = 50 where account_id = %(b)s and seq = 2",), 1),
    "funds": (("update ledger_entry set amount = 50 where account_id = %(b)s and seq = 1",), 1),
    "words": (("update ledger_entry set actor = 'x' where account_id = %(b)s and seq = 2",), 0),
    "bucket": (
        ("update ledger_entry set to_bucket = 'spent' where account_id = %(b)s and seq = 3",), 2,
    ),
    "deleted": (("delete from ledger_entry where account_id = %(b)s and seq = 2",), 1),
    "tail": (("delete from ledger_entry where account_id = %(b)s and seq > 2",), 1),
    "all": (("delete from ledger_entry where account_id = %(b)s",), 2),
    "cut back": (CUT_BACK, 1),
    "added": (
        ("insert into ledger_entry select tenant_id, account_id, 5, recorded_at, effective_at,"
         " kind, from_bucket, to_bucket, amount, ref_type, 'x', import_id, actor, reason, hash"
         " from ledger_entry where account_id = %(b)s and seq = 4",), 1,
    ),
    "both": (
        ("update ledger_entry set amount = 50 where account_id = %(b)s and seq = 2",
         "update budget_account set reserved = 55 where budget_id = %(b)s"), 1,
    ),
    "number": (("update budget_account set entry_seq = 3 where budget_id = %(b)s",), 0),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_chain_gets_entries_until_it_adds_up_again(watched: Watched, how: str) -> None:
    statements, entries = BROKEN[how]
    assert watched.sweep() == []
    before = watched.account()
    watched.corrupt(*statements)
    assert watched.sweep() == ["frozen"]
    assert watched.fix() == [("corrected", entries)]
    after = watched.account()
    assert (after.authorized, after.reserved, after.spent) == (
        before.authorized, before.reserved, before.spent,
    )  # fmt: skip
    assert after.entry_seq >= before.entry_seq, "no number is given twice"
    watched.require_sound()
    assert watched.fix() == []


def test_without_a_proven_state_the_stored_counters_are_believed(watched: Watched) -> None:
    watched.corrupt("update ledger_entry set amount = 50 where account_id = %(b)s and seq = 2")
    assert watched.fix() == [("corrected", 1)]
    assert watched.account().reserved == 6
    watched.require_sound()


def test_entries_gone_that_added_up_to_nothing_leave_a_mark(watched: Watched) -> None:
    operations.release(watched.database, watched.tenant_id, _last_ref(watched), None, actor="test")
    assert watched.sweep() == []
    watched.corrupt("delete from ledger_entry where account_id = %(b)s and seq > 3")
    assert watched.sweep() == ["frozen"]
    assert watched.fix() == [("corrected", 2)]
    assert watched.account().reserved == 3
    watched.require_sound()


def _last_ref(watched: Watched) -> str:
    with watched.database.transaction(watched.tenant_id) as session:
        return str(
            session.execute(text("select ref_id from ledger_entry where seq = 4")).scalar_one()
        )


def test_an_acknowledged_break_that_changes_again_is_found_again(watched: Watched) -> None:
    watched.sweep()
    watched.corrupt("update ledger_entry set amount = 50 where account_id = %(b)s and seq = 2")
    watched.sweep()
    watched.fix()
    watched.corrupt("update ledger_entry set amount = 51 where account_id = %(b)s and seq = 2")
    assert watched.sweep() == ["frozen"]
    with watched.database.transaction(watched.tenant_id) as session:
        [found] = broken_accounts(session, watched.tenant_id)
    assert found.bad_seq == 2


def test_a_repair_is_on_record_and_three_a_day_are_told(
    watched: Watched, superuser: psycopg.Connection
) -> None:
    for n in range(3):
        assert _frequent(watched) == 0, n
        watched.corrupt("update budget_account set spent = spent + 1 where budget_id = %(b)s")
        assert watched.fix(f"reason {n}") == [("rebuilt", 0)]
    assert _frequent(watched) == 1
    trail = superuser.execute(
        "select actor, action, diff ->> 'reason', diff -> 'before' -> 'stored' ->> 3"
        " from audit_log where tenant_id = %s and object_type = 'ledger_repair' order by id",
        (watched.tenant_id,),
    ).fetchall()
    assert trail == [("person", "insert", f"reason {n}", "1.0000") for n in range(3)]


def _frequent(watched: Watched) -> int:
    with watched.database.transaction(watched.tenant_id) as session:
        return len(alerts.list_alerts(session, kind="frequent_fixes").rows)


def test_nothing_wrong_is_nothing_done(watched: Watched, make_budget: Callable[..., UUID]) -> None:
    assert watched.fix() == []
    with (
        pytest.raises(errors.NotFound),
        watched.database.transaction(watched.tenant_id) as session,
    ):
        fix_discrepancy(session, watched.tenant_id, uuid4(), "x", "person")
