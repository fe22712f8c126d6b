"""The continuous proof: what does not hold is frozen alone and told, and let go when it holds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from bursar import alerts, errors
from bursar.budgets.control import change_control
from bursar.budgets.editing import delete_budget, edit_budget, restore_budget
from bursar.database import Database
from bursar.ledger import funds, operations
from bursar.proof.reconcile import broken_accounts, broken_budgets, reconcile
from bursar.proof.rounds import prove
from tests.conftest import MakeBudget

Corrupt = Callable[..., None]


def reserve(database: Database, tenant_id: UUID, budget: UUID, amount: str = "5") -> str:
    ref = uuid4().hex
    operations.reserve(
        database, tenant_id, budget, Decimal(amount), "USD", ref_id=ref, actor="test"
    )
    return ref


@pytest.fixture
def sweep(database: Database, tenant_id: UUID) -> Callable[[], list[tuple[str, UUID]]]:
    def run() -> list[tuple[str, UUID]]:
        with database.transaction(tenant_id, "system") as session:
            return [(e.event, e.budget_id) for e in prove(session, tenant_id)]

    return run


@pytest.fixture
def corrupt(superuser: psycopg.Connection) -> Corrupt:
    """Runs SQL past every trigger, as somebody with the superuser's password can."""

    def run(statement: str, budget: UUID, **more: Any) -> None:
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(statement, {"b": budget, **more})
        superuser.commit()

    return run


@pytest.fixture
def frozen(database: Database, tenant_id: UUID) -> Callable[[UUID], tuple[bool, str | None]]:
    def read(budget: UUID) -> tuple[bool, str | None]:
        with database.transaction(tenant_id) as session:
            row = session.execute(
                text("select frozen, frozen_for from budget_account where budget_id = :b"),
                {"b": budget},
            ).one()
            return row.frozen, row.frozen_for

    return read


@pytest.fixture
def open_alerts(database: Database, tenant_id: UUID) -> Callable[[], list[UUID | None]]:
    def read() -> list[UUID | None]:
        with database.transaction(tenant_id) as session:
            page = alerts.list_alerts(session, state="open", kind="discrepancy")
            assert all(row.Alert.severity == "critical" for row in page.rows)
            return [row.Alert.budget_id for row in page.rows]

    return read


@pytest.mark.parametrize(
    "column", ["authorized", "reserved", "committed", "spent", "rolled_up", "entry_seq"]
)
@pytest.mark.parametrize("proven_before", [True, False])
def test_a_changed_counter_freezes_its_budget_alone(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any, corrupt: Corrupt,
    frozen: Any, open_alerts: Any, column: str, proven_before: bool,
) -> None:  # fmt: skip
    wrong, right = make_budget("1000"), make_budget("1000", department="Other")
    reserve(database, tenant_id, wrong)
    if proven_before:
        assert sweep() == []
    corrupt(f"update budget_account set {column} = {column} + 1 where budget_id = %(b)s", wrong)
    assert sweep() == [("frozen", wrong)]
    assert sweep() == []
    assert frozen(wrong) == (True, "discrepancy")
    assert open_alerts() == [wrong]
    with pytest.raises(errors.BudgetFrozen):
        reserve(database, tenant_id, wrong)
    reserve(database, tenant_id, right)
    corrupt(f"update budget_account set {column} = {column} - 1 where budget_id = %(b)s", wrong)
    assert sweep() == [("thawed", wrong)]
    assert frozen(wrong) == (False, None)
    assert open_alerts() == []
    reserve(database, tenant_id, wrong)
    assert sweep() == []


TAMPERINGS = {
    "amount": ("update ledger_entry set amount = amount + 1 where seq = 2", 2),
    "words": ("update ledger_entry set reason = 'as agreed' where seq = 2", 2),
    "hash": ("update ledger_entry set hash = sha256(hash) where seq = 2", 2),
    "deleted": ("delete from ledger_entry where seq = 2", 2),
    "first": ("delete from ledger_entry where seq = 1", 1),
    "tail": ("delete from ledger_entry where seq = 4", 4),
    "all": ("delete from ledger_entry where true", 1),
    "added": (
        "insert into ledger_entry select tenant_id, account_id, 5, recorded_at, effective_at, kind,"
        " from_bucket, to_bucket, amount, ref_type, 'x', import_id, actor, reason, hash"
        " from ledger_entry where seq = 4", 5,
    ),
    "twin": (
        "insert into ledger_entry select tenant_id, account_id, 2, now(), effective_at, kind,"
        " from_bucket, to_bucket, amount, ref_type, 'x', import_id, actor, reason, hash"
        " from ledger_entry where seq = 2", 2,
    ),
    "swapped": (
        "update ledger_entry e set amount = o.amount, ref_id = o.ref_id from ledger_entry o"
        " where e.seq in (2, 3) and o.tenant_id = e.tenant_id and o.account_id = e.account_id"
        " and o.seq = 5 - e.seq", 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERINGS)
@pytest.mark.parametrize("proven_before", [True, False])
def test_a_tampered_chain_freezes_its_budget_and_names_the_entry(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any, corrupt: Corrupt,
    how: str, proven_before: bool,
) -> None:  # fmt: skip
    budget, other = make_budget("1000"), make_budget("1000", department="Other")
    for amount in ("1", "2", "3"):
        reserve(database, tenant_id, budget, amount)
        reserve(database, tenant_id, other, amount)
    if proven_before:
        assert sweep() == []
    statement, seq = TAMPERINGS[how]
    head, _, condition = statement.rpartition(" where ")
    name = "e.account_id" if how == "swapped" else "account_id"
    corrupt(f"{head} where {name} = %(b)s and {condition}", budget)
    assert sweep() == [("frozen", budget)]
    with database.transaction(tenant_id) as session:
        [found] = broken_accounts(session, tenant_id)
    assert (found.budget_id, found.bad_seq) == (budget, seq)


CUT = """
with kept as (select * from ledger_entry where account_id = %(b)s and seq = 2)
update budget_account a set entry_seq = 2, head_hash = kept.hash, reserved = 1
  from kept where a.budget_id = %(b)s
"""


def test_a_tail_cut_with_its_counters_is_seen_by_what_was_proven(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any, corrupt: Corrupt
) -> None:
    budget = make_budget("1000")
    for amount in ("1", "2", "3"):
        reserve(database, tenant_id, budget, amount)
    sweep()
    corrupt("delete from ledger_entry where account_id = %(b)s and seq > 2", budget)
    corrupt(CUT, budget)
    assert sweep() == [("frozen", budget)]
    with database.transaction(tenant_id) as session:
        assert broken_budgets(session, tenant_id) == [(budget, "entry 3 is missing")]


def test_what_a_person_froze_stays_frozen_and_a_proof_is_not_thawed_by_a_person(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any, corrupt: Corrupt,
    frozen: Any,
) -> None:  # fmt: skip
    budget = make_budget("1000")

    def status(value: str) -> None:
        with database.transaction(tenant_id, "test") as session:
            version = session.execute(
                text("select row_version from budget where id = :b"), {"b": budget}
            ).scalar_one()
            edit_budget(session, tenant_id, budget, version, {"status": value}, "test")

    corrupt("update budget_account set spent = spent + 1 where budget_id = %(b)s", budget)
    sweep()
    status("frozen")
    status("active")
    assert frozen(budget) == (True, "discrepancy")
    status("frozen")
    corrupt("update budget_account set spent = spent - 1 where budget_id = %(b)s", budget)
    assert sweep() == [("thawed", budget)]
    assert frozen(budget) == (True, None)
    status("active")
    assert frozen(budget) == (False, None)


def test_a_deleted_budget_stays_frozen_when_it_holds_again(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any, corrupt: Corrupt,
    frozen: Any,
) -> None:  # fmt: skip
    budget = make_budget("1000")
    corrupt("update budget_account set spent = spent + 1 where budget_id = %(b)s", budget)
    sweep()
    with database.transaction(tenant_id, "test") as session:
        delete_budget(session, budget)
    corrupt("update budget_account set spent = spent - 1 where budget_id = %(b)s", budget)
    sweep()
    assert frozen(budget) == (True, None)
    with database.transaction(tenant_id, "test") as session:
        restore_budget(session, budget)
    assert frozen(budget) == (False, None)


def test_work_on_all_sides_raises_no_false_alarm(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any
) -> None:
    """Postings, transfers and budgets that count those below, while rounds run."""
    parent = make_budget("100000", department="Above")
    below = [make_budget("10000", department=f"D{n}") for n in range(4)]
    with database.transaction(tenant_id, "test") as session:
        for budget in below[:2]:
            change_control(session, tenant_id, budget, 1, {"parent_id": parent})
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(n: int) -> None:
        try:
            while not stop.is_set():
                ref = reserve(database, tenant_id, below[n % 4], "3")
                operations.charge(database, tenant_id, ref, Decimal(1), actor="test")
                operations.release(database, tenant_id, ref, None, actor="test")
                funds.transfer(
                    database, tenant_id, below[n % 4], below[(n + 1) % 4], Decimal(1), "USD",
                    reason="test", actor="test",
                )  # fmt: skip
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    seen = [sweep() for _ in range(40)]
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen == [[]] * 40
    assert sweep() == []
    with database.transaction(tenant_id) as session:
        watch = session.execute(text("select proven_at, unproven from ledger_watch")).one()
    assert watch.proven_at is not None
    assert watch.unproven == 0


def test_rounds_go_through_everything_a_portion_at_a_time(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, corrupt: Corrupt
) -> None:
    budgets = [make_budget("1000", department=f"D{n}") for n in range(6)]
    for budget in budgets:
        for _ in range(9):
            reserve(database, tenant_id, budget, "1")

    def small(entries: int, walk: int) -> tuple[list[UUID], Any]:
        with database.transaction(tenant_id, "system") as session:
            found = session.execute(
                text("select budget_id from ledger_prove(:t, :e, :w)"),
                {"t": tenant_id, "e": entries, "w": walk},
            )
            named = list(found.scalars())
            watch = session.execute(text("select * from ledger_watch")).one()
        return named, watch

    rounds = 0
    while True:
        named, watch = small(7, 13)
        rounds += 1
        assert named == []
        if watch.proven_at is not None and watch.walked_at is not None:
            break
    assert 60 / 14 < rounds < 25
    corrupt("update ledger_entry set actor = 'x' where account_id = %(b)s and seq = 4", budgets[3])
    named = []
    for _ in range(6):
        named += small(7, 13)[0]
    assert named == [budgets[3]]


def test_one_budget_is_reconciled_from_all_entries_and_its_newest_links(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, sweep: Any, corrupt: Corrupt
) -> None:
    budget = make_budget("1000")
    ref = reserve(database, tenant_id, budget, "7")
    operations.charge(database, tenant_id, ref, Decimal(3), actor="test")

    def look(*, whole: bool = False) -> Any:
        with database.transaction(tenant_id) as session:
            return reconcile(session, tenant_id, budget, whole_chain=whole)

    sweep()
    found = look()
    assert found.derived == found.stored
    assert (found.derived["reserved"], found.derived["spent"]) == (Decimal(4), Decimal(3))
    assert found.totals_by_type == {"charge": 3, "fund": 1000, "reserve": 7}
    assert (found.entries, found.discrepancy, found.first_bad_seq) == (3, 0, None)
    corrupt("update ledger_entry set actor = 'x' where account_id = %(b)s and seq = 2", budget)
    assert look().first_bad_seq is None, "proven before; the round after next finds it"
    assert look(whole=True).first_bad_seq == 2
    sweep()
    assert look().first_bad_seq == 2
    corrupt("update budget_account set spent = 5 where budget_id = %(b)s", budget)
    assert look().discrepancy == 2
