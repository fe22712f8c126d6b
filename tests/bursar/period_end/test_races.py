"""What meets a reset on its way: whoever waited for the old period acts in the new one."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from bursar import errors
from bursar.budgets.control import change_control
from bursar.database import Database
from bursar.ledger import funds
from bursar.ledger import operations as ledger
from bursar.ledger.batches import Item, reserve_many
from bursar.period_end.resets import reset
from bursar.proof.reconcile import broken_budgets
from tests.conftest import MakeBudget

WAITING = text(
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    " and datname = current_database() and query like '%ledger_%'"
)


def during_a_reset(
    database: Database, tenant: UUID, budget: UUID, act: Callable[[], Any]
) -> Future[Any]:
    """Let something start while a reset holds its locks, and go on when it is done."""
    with ThreadPoolExecutor(1) as pool:
        with database.transaction(tenant, "test") as session:
            reset(session, tenant, budget, actor="test", reason="")
            acting = pool.submit(act)
            wait_for_one(database)
        return acting


def wait_for_one(database: Database) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with database.transaction(None) as session:
            if session.execute(WAITING).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits for the reset")


def item(budget: UUID, amount: str, ref: str) -> Item:
    return Item(budget, Decimal(amount), "USD", ref, "test")


def accounts(database: Database, tenant: UUID, budget: UUID) -> list[Any]:
    """The accounts of a budget, the oldest first."""
    with database.transaction(tenant) as session:
        assert broken_budgets(session, tenant) == []
        query = "select * from budget_account where budget_id = :b order by opened_at nulls first"
        return list(session.execute(text(query), {"b": budget}))


def test_a_batch_that_waited_reserves_in_the_new_period(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    acting = during_a_reset(
        database, tenant_id, budget,
        lambda: reserve_many(database, tenant_id, [item(budget, "10", "one")]),
    )  # fmt: skip
    (answer,) = acting.result()
    assert not isinstance(answer, errors.BursarError)
    before, after = accounts(database, tenant_id, budget)
    assert (before.reserved, after.reserved) == (0, 10)


def test_a_batch_asked_again_after_a_reset_gives_the_same_answer(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    items = [item(budget, "10", "one")]
    reserve_many(database, tenant_id, items)
    with database.transaction(tenant_id, "test") as session:
        reset(session, tenant_id, budget, actor="test", reason="")
    (answer,) = reserve_many(database, tenant_id, items)
    assert not isinstance(answer, errors.BursarError)
    assert answer.replayed


def test_a_batch_that_waited_counts_in_the_budget_above(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    above, below = make_budget("5", sub_category="All"), make_budget("800", sub_category="Part")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction(tenant_id, "test") as session:
            change_control(session, tenant_id, below, 1, {"parent_id": above})
            acting = pool.submit(reserve_many, database, tenant_id, [item(below, "10", "one")])
            wait_for_one(database)
        (answer,) = acting.result()
    assert isinstance(answer, errors.InsufficientFunds)
    accounts(database, tenant_id, below)


def test_a_transfer_that_waited_takes_from_the_new_period(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    giving, taking = make_budget("1000"), make_budget("0", sub_category="Other")
    acting = during_a_reset(
        database, tenant_id, giving,
        lambda: funds.transfer(
            database, tenant_id, giving, taking, Decimal(900), "USD", reason="r", actor="test"
        ),
    )  # fmt: skip
    acting.result()
    before, after = accounts(database, tenant_id, giving)
    assert (before.authorized, after.authorized) == (1000, 100)


def test_transfers_and_reservations_during_resets_never_take_too_much(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    """Whoever waited for an account that was closed holds no lock on the one that took over."""
    giving, taking = make_budget("100"), make_budget("0", sub_category="Other")
    gate = threading.Barrier(12)

    def take(n: int) -> None:
        gate.wait()
        try:
            if n % 2:
                funds.transfer(
                    database, tenant_id, giving, taking, Decimal(60), "USD",
                    reason="r", actor="test",
                )  # fmt: skip
            else:
                ledger.reserve(
                    database, tenant_id, giving, Decimal(60), "USD", ref_id=uuid4().hex, actor="t"
                )
        except errors.InsufficientFunds:
            pass

    with ThreadPoolExecutor(12) as pool:
        with database.transaction(tenant_id, "test") as session:
            reset(session, tenant_id, giving, actor="test", reason="")
            running = [pool.submit(take, n) for n in range(12)]
            wait_for_one(database)
            time.sleep(0.2)
        for one in running:
            one.result()
    _, after = accounts(database, tenant_id, giving)
    assert after.authorized - after.reserved == 40


def test_a_budget_put_under_another_during_a_reset_below_counts_there(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    root, middle, leaf = (make_budget("1000", sub_category=name) for name in "ABC")

    def put(below: UUID, above: UUID) -> None:
        with database.transaction(tenant_id, "test") as session:
            change_control(session, tenant_id, below, 1, {"parent_id": above})

    put(leaf, middle)
    during_a_reset(database, tenant_id, leaf, lambda: put(middle, root)).result()
    ledger.spend(database, tenant_id, leaf, Decimal(10), "USD", ref_id="one", actor="test")
    for budget in (root, middle, leaf):
        assert ledger.read_account(database, tenant_id, budget).available == 990
    before, _ = accounts(database, tenant_id, leaf)
    assert before.controllers == []
