"""The ledger against a model of a few lines: every operation, in any order, to the cent.

`BURSAR_TEST_MODEL_RUNS` runs it more often; each run makes up to fifty steps.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from bursar.budgets.editing import NewBudget, create_budget
from bursar.database import Database
from bursar.errors import BursarError
from bursar.ledger import batches, funds, operations
from bursar.ledger.answers import Answer
from bursar.period_end.endings import ROLLOVERS
from bursar.period_end.resets import reset
from bursar.proof.reconcile import broken_budgets
from bursar.tenants import create_tenant
from schema.tables import BudgetAccount

RUNS = int(os.environ.get("BURSAR_TEST_MODEL_RUNS", "12"))
AMOUNTS = st.integers(1, 60_000).map(lambda cents: Decimal(cents) / 100)
TWO = st.sampled_from((0, 1))


@dataclass
class Account:
    """The counters of a budget as the model has them."""

    authorized: Decimal
    planned: Decimal
    reserved: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    entries: list[tuple[str, str, str, Decimal]] = field(default_factory=list)

    @property
    def available(self) -> Decimal:
        return self.authorized - self.reserved - self.committed - self.spent

    def move(self, amount: Decimal, source: str, goal: str) -> None:
        for bucket, change in ((source, -amount), (goal, amount)):
            if bucket in ("reserved", "committed", "spent"):
                setattr(self, bucket, getattr(self, bucket) + change)
        if source == "external":
            self.authorized += amount
        if goal == "external":
            self.authorized -= amount


@dataclass
class Held:
    """A hold as the model has it, in the account that it is in now."""

    account: Account
    amount: Decimal
    stage: str = "reserved"
    charged: Decimal = Decimal(0)
    released: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.charged - self.released


class LedgerMachine(RuleBasedStateMachine):
    """Two budgets of one tenant, and a model of both."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.tenant: UUID = create_tenant(self.database, "Model")
        self.model = [Account(*[Decimal(1000)] * 2), Account(*[Decimal(500)] * 2)]
        self.closed: list[Account] = []
        self.holds: dict[str, Held] = {}
        self.names = count()
        self.days = count(1)
        with self.database.transaction(self.tenant, "model") as session:
            self.ids = [
                UUID(str(create_budget(session, self.tenant, new, "model").id))
                for new in (
                    NewBudget("A", "FY2025", Decimal(1000), "USD"),
                    NewBudget("B", "FY2025", Decimal(500), "USD"),
                )
            ]

    def name(self) -> str:
        """A reference that is the same whenever these steps are taken again."""
        return f"r{next(self.names)}"

    def attempt(self, fits: bool, work: Any, *arguments: Any, **more: Any) -> None:
        """Do it; it must be refused exactly where the model says so."""
        refused = None
        try:
            work(self.database, self.tenant, *arguments, actor="model", **more)
        except BursarError as refusal:
            refused = refusal.code
        assert (refused is None) == fits, refused

    @rule(n=TWO, amount=AMOUNTS, stage=st.sampled_from(("reserved", "committed")))
    def reserve(self, n: int, amount: Decimal, stage: str) -> None:
        account, ref = self.model[n], self.name()
        fits = amount <= account.available
        self.attempt(fits, operations.reserve, self.ids[n], amount, "USD", ref_id=ref, stage=stage)
        if fits:
            account.move(amount, "available", stage)
            self.holds[ref] = Held(account, amount, stage)

    @rule(n=TWO, amount=AMOUNTS)
    def spend(self, n: int, amount: Decimal) -> None:
        account, ref = self.model[n], self.name()
        fits = amount <= account.available
        self.attempt(fits, operations.spend, self.ids[n], amount, "USD", ref_id=ref)
        if fits:
            account.move(amount, "available", "spent")
            self.holds[ref] = Held(account, amount, charged=amount)

    @rule(n=TWO, amounts=st.lists(AMOUNTS, min_size=1, max_size=6))
    def batch(self, n: int, amounts: list[Decimal]) -> None:
        refs = [self.name() for _ in amounts]
        answers = batches.reserve_many(
            self.database, self.tenant,
            [
                batches.Item(self.ids[n], amount, "USD", ref, "model")
                for amount, ref in zip(amounts, refs, strict=True)
            ],
        )  # fmt: skip
        for amount, ref, answer in zip(amounts, refs, answers, strict=True):
            fits = amount <= self.model[n].available
            assert isinstance(answer, Answer) == fits
            if fits:
                self.model[n].move(amount, "available", "reserved")
                self.holds[ref] = Held(self.model[n], amount)

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), part=st.none() | AMOUNTS, step=st.sampled_from(("charge", "release")))
    def end(self, data: st.DataObject, part: Decimal | None, step: str) -> None:
        ref = data.draw(st.sampled_from(list(self.holds)))
        held = self.holds[ref]
        fits = held.remaining > 0 and (part is None or part <= held.remaining)
        self.attempt(fits, getattr(operations, step), ref, part)
        if fits:
            moved = held.remaining if part is None else part
            goal = "spent" if step == "charge" else "available"
            held.account.move(moved, held.stage, goal)
            name = f"{step}d"
            setattr(held, name, getattr(held, name) + moved)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        ref = data.draw(st.sampled_from(list(self.holds)))
        held = self.holds[ref]
        fits = held.remaining > 0 and held.stage == "reserved"
        self.attempt(fits, operations.commit, ref)
        if fits:
            held.account.move(held.remaining, "reserved", "committed")
            held.stage = "committed"

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), part=st.none() | AMOUNTS)
    def refund(self, data: st.DataObject, part: Decimal | None) -> None:
        ref = data.draw(st.sampled_from(list(self.holds)))
        held = self.holds[ref]
        left = held.charged - held.refunded
        fits = left > 0 and (part is None or part <= left)
        self.attempt(fits, operations.refund, ref, part, reason="model")
        if fits:
            moved = left if part is None else part
            held.account.move(moved, "spent", "available")
            held.refunded += moved

    @rule(n=TWO, amount=AMOUNTS)
    def fund(self, n: int, amount: Decimal) -> None:
        self.attempt(True, funds.fund, self.ids[n], amount, "USD", reason="model")
        self.model[n].move(amount, "external", "available")

    @rule(n=TWO, amount=AMOUNTS)
    def transfer(self, n: int, amount: Decimal) -> None:
        giving, taking = self.model[n], self.model[1 - n]
        fits = amount <= giving.available
        self.attempt(
            fits, funds.transfer, self.ids[n], self.ids[1 - n], amount, "USD", reason="model"
        )
        if fits:
            giving.move(amount, "available", "external")
            taking.move(amount, "external", "available")

    @rule(n=TWO, rollover=st.sampled_from(ROLLOVERS), cap=st.none() | AMOUNTS)
    def reset(self, n: int, rollover: str, cap: Decimal | None) -> None:
        day = date(2030, 1, 1) + timedelta(days=next(self.days))
        for _ in range(2):  # the second time it has been done
            with self.database.transaction(self.tenant, "model") as session:
                reset(
                    session, self.tenant, self.ids[n], actor="model", reason="",
                    rollover=rollover, cap=cap, day=day,
                )  # fmt: skip
        old = self.model[n]
        new = self.model[n] = Account(old.planned, old.planned)
        if rollover in ("carry_unspent", "carry_all") and old.available > 0:
            left = min(old.available, cap) if cap is not None else old.available
            old.move(left, "available", "external")
            new.move(left, "external", "available")
        if rollover in ("carry_commitments", "carry_all"):
            for held in self.holds.values():
                if held.account is old and held.remaining > 0:
                    old.move(held.remaining, held.stage, "external")
                    new.move(held.remaining, "external", held.stage)
                    held.account = new
        self.closed.append(old)

    @invariant()
    def agree(self) -> None:
        for budget, account in zip(self.ids, self.model, strict=True):
            stored = operations.read_account(self.database, self.tenant, budget)
            for name in ("authorized", "reserved", "committed", "spent", "available"):
                assert getattr(stored, name) == getattr(account, name), name
            assert stored.authorized == (
                stored.available + stored.reserved + stored.committed + stored.spent
            )

    def teardown(self) -> None:
        with self.database.transaction(self.tenant) as session:
            assert broken_budgets(session, self.tenant) == []
            stored_accounts = session.execute(
                select(BudgetAccount).where(BudgetAccount.closed_at.is_not(None))
            ).scalars()
            names = ("authorized", "reserved", "committed", "spent")
            found_closed = [[getattr(one, name) for name in names] for one in stored_accounts]
        expected = [[getattr(one, name) for name in names] for one in self.closed]
        assert sorted(found_closed) == sorted(expected)
        for ref, held in self.holds.items():
            stored = operations.read_hold(self.database, self.tenant, ref)
            found = (stored.remaining, stored.charged, stored.released, stored.refunded)
            assert found == (held.remaining, held.charged, held.released, held.refunded)


@pytest.mark.timeout(0 if RUNS > 100 else 180)
def test_the_ledger_does_what_the_model_does(database: Database) -> None:
    machine = type("Machine", (LedgerMachine,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
