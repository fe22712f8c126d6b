"""Callers of one budget at the same moment share a call, and each hears its own answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from bursar.database import Database
from bursar.errors import BursarError, Transient
from bursar.ledger import combining
from bursar.ledger.answers import Answer
from bursar.ledger.batches import Item
from bursar.ledger.combining import Combiner
from bursar.ledger.operations import read_account
from bursar.proof.reconcile import broken_budgets
from tests.conftest import MakeBudget


def item(budget: UUID, amount: str = "10", ref: str = "", currency: str = "USD") -> Item:
    return Item(budget, Decimal(amount), currency, ref or uuid4().hex, "test")


def outcome(combiner: Combiner, database: Database, tenant: UUID, one: Item) -> str:
    try:
        answer = combiner.reserve(database, tenant, one)
    except BursarError as refusal:
        return refusal.code
    assert answer.ref_id == one.ref_id
    return "ok"


def test_a_crowd_is_served_exactly_and_in_few_calls(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, combiner = make_budget("1000"), Combiner()
    sizes: list[int] = []
    call = combining._call

    def counted(*arguments: Any) -> Any:
        sizes.append(len(arguments[2]))
        time.sleep(0.02)  # so that others come meanwhile
        return call(*arguments)

    monkeypatch.setattr(combining, "_call", counted)
    with ThreadPoolExecutor(32) as pool:
        codes = list(
            pool.map(lambda _: outcome(combiner, database, tenant_id, item(budget)), range(160))
        )
    assert codes.count("ok") == 100
    assert codes.count("insufficient_funds") == 60
    assert sum(sizes) == 160
    assert len(sizes) < 80
    assert read_account(database, tenant_id, budget).available == 0
    with database.transaction(tenant_id) as session:
        assert broken_budgets(session, tenant_id) == []


def test_each_hears_its_own_refusal(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, combiner = make_budget("1000"), Combiner()
    first = threading.Event()
    call = combining._call

    def slow(*arguments: Any) -> Any:
        first.wait(5)
        return call(*arguments)

    monkeypatch.setattr(combining, "_call", slow)
    wanted = [
        item(budget), item(budget, "2000"), item(budget, currency="ZWG"), item(budget, "0"),
        item(budget, "5", "same"), item(budget, "6", "same"),
    ]  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        waiting = []
        for one in wanted:
            waiting.append(pool.submit(outcome, combiner, database, tenant_id, one))
            time.sleep(0.05)
        first.set()
        codes = [future.result() for future in waiting]
    assert codes == [
        "ok", "insufficient_funds", "currency_mismatch", "invalid_amount", "ok", "reference_reused",
    ]  # fmt: skip


def test_a_failed_call_fails_those_who_shared_it_and_nobody_else(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, combiner = make_budget("1000"), Combiner()
    call = combining._call

    def broken(*_: Any) -> list[Answer | BaseException]:
        raise Transient

    monkeypatch.setattr(combining, "_call", broken)
    assert outcome(combiner, database, tenant_id, item(budget)) == "transient"
    monkeypatch.setattr(combining, "_call", call)
    assert outcome(combiner, database, tenant_id, item(budget)) == "ok"
    assert combiner._queues == {}
