"""Many reservations in one call: as if one after the other, all or none where that is asked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg

from bursar.database import Database
from bursar.errors import BursarError
from bursar.ledger.answers import Answer, Retry
from bursar.ledger.batches import Item, reserve_many
from bursar.ledger.operations import read_account, reserve
from bursar.proof.reconcile import broken_budgets
from tests.conftest import MakeBudget

DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


def item(budget: UUID, amount: str, ref: str = "", **more: object) -> Item:
    return Item(
        budget, Decimal(amount), str(more.pop("currency", "USD")), ref or uuid4().hex, "test",
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


def codes(answers: list[Answer | BursarError]) -> list[str]:
    return ["ok" if isinstance(a, Answer) else a.code for a in answers]


def test_each_is_answered_in_order_as_if_alone(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    small, large = make_budget("100"), make_budget("1000", department="Large")
    answers = reserve_many(
        database,
        tenant_id,
        [
            item(small, "60"), item(large, "600"), item(small, "60"), item(uuid4(), "1"),
            item(large, "1", currency="ZWG"), item(small, "40"), item(large, "0"),
        ],
    )  # fmt: skip
    assert codes(answers) == [
        "ok", "ok", "insufficient_funds", "not_found", "currency_mismatch", "ok", "invalid_amount",
    ]  # fmt: skip
    balances = [a.balance for a in answers if isinstance(a, Answer)]
    assert balances == [60, 600, 100]
    with database.transaction(tenant_id) as session:
        assert broken_budgets(session, tenant_id) == []


def test_all_or_none_posts_none_when_one_is_refused(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget, other = make_budget("100"), make_budget("100", department="Other")
    refused = reserve_many(
        database, tenant_id, [item(budget, "60"), item(other, "60"), item(budget, "60")], "all"
    )
    assert codes(refused) == ["batch_refused", "batch_refused", "insufficient_funds"]
    assert read_account(database, tenant_id, budget).balance == 0
    assert read_account(database, tenant_id, other).balance == 0
    assert codes(
        reserve_many(database, tenant_id, [item(budget, "60"), item(other, "60")], "all")
    ) == ["ok", "ok"]


def test_a_reference_counts_once_within_a_batch_and_over_batches(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    reserve(database, tenant_id, budget, Decimal(10), "USD", ref_id="seen", actor="test")
    answers = reserve_many(
        database,
        tenant_id,
        [
            item(budget, "10", "seen"), item(budget, "20", "new"), item(budget, "20", "new"),
            item(budget, "21", "new"),
        ],
    )  # fmt: skip
    assert codes(answers) == ["ok", "ok", "ok", "reference_reused"]
    assert [a.replayed for a in answers if isinstance(a, Answer)] == [True, False, True]
    assert read_account(database, tenant_id, budget).balance == 30


def test_items_keep_their_own_idempotency_keys(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    retry = Retry.of("k1", "a")
    first = item(budget, "10", "r1", retry=retry)
    assert codes(reserve_many(database, tenant_id, [first, item(budget, "5")])) == ["ok", "ok"]
    again, other = reserve_many(
        database, tenant_id, [first, item(budget, "10", "r2", retry=Retry.of("k1", "b"))]
    )
    assert isinstance(again, Answer)
    assert again.replayed
    assert codes([other]) == ["idempotency_key_reused"]
    assert read_account(database, tenant_id, budget).balance == 15


def test_batches_at_once_never_pass_the_cap(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    first, second = make_budget("1000"), make_budget("1000", department="Second")

    def one(n: int) -> list[str]:
        order = (first, second) if n % 2 else (second, first)
        return codes(
            reserve_many(database, tenant_id, [item(order[i % 2], "10") for i in range(20)])
        )

    with ThreadPoolExecutor(8) as pool:
        outcomes = [code for codes_of_one in pool.map(one, range(20)) for code in codes_of_one]
    assert outcomes.count("ok") == 200
    assert outcomes.count("insufficient_funds") == 200
    for budget in (first, second):
        assert read_account(database, tenant_id, budget).available == 0
    with database.transaction(tenant_id) as session:
        assert broken_budgets(session, tenant_id) == []


def test_a_batch_and_a_caller_with_one_reference_do_not_wait_for_each_other(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, superuser: psycopg.Connection
) -> None:
    """The caller uses it for a budget that the batch has still to come to."""
    first, second = make_budget("100"), make_budget("100", department="Second")

    def waiting() -> int:
        row = superuser.execute(
            "select count(*) from pg_stat_activity"
            " where usename = 'bursar_app' and wait_event_type = 'Lock'"
        ).fetchone()
        assert row is not None
        superuser.execute("select pg_stat_clear_snapshot()")
        return int(row[0])

    def until_waiting(count: int) -> None:
        deadline = time.monotonic() + 10
        while waiting() < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    before = superuser.execute(DEADLOCKS).fetchone()
    superuser.execute("select 1 from budget_account where budget_id = %s for update", (second,))
    with ThreadPoolExecutor(2) as pool:
        alone = pool.submit(
            reserve, database, tenant_id, second, Decimal(1), "USD", ref_id="one", actor="test"
        )
        until_waiting(1)
        batch = pool.submit(
            reserve_many, database, tenant_id, [item(first, "1", "one"), item(second, "1", "two")]
        )
        until_waiting(2)
        superuser.rollback()
        assert alone.result().amount == 1
        assert codes(batch.result()) == ["reference_reused", "ok"]
    assert superuser.execute(DEADLOCKS).fetchone() == before
