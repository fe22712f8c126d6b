"""Promise 3: the ledger's own caps hold for whoever calls it in raw SQL.

Twenty sessions as the application's role reserve, reserve in batches, commit, charge and spend, in
budgets with a tolerance and a hard cap and in children of budgets that limit them too. Afterwards
every limit is looked at after each single entry, for a budget above others with the entries of
those below; nothing deadlocked; and what goes around the functions is refused.

usage: python -m bench.trials.raw_caps [--sessions 20] [--calls 500] [--seed N]
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.budgets.control import change_control
from bursar.budgets.editing import NewBudget, create_budget
from bursar.proof.reconcile import broken_budgets

KINDS = ("reserve", "spend", "reserve_many", "commit", "charge")
CHILDREN = 4
# What is used after each entry of a budget's own, against its limit, which does not change here.
OWN_PASSED = """
    select count(*), coalesce(max(used), 0), coalesce(min(most), 0) from (
      select public.ledger_limit(a) as most,
             sum(public.ledger_delta_used(e.from_bucket, e.to_bucket, e.amount))
               over (partition by e.account_id order by e.seq) as used
        from ledger_entry e
        join budget_account a on a.tenant_id = e.tenant_id and a.id = e.account_id
       where e.tenant_id = %s and a.budget_id = %s) x
     where used > most
"""
# The same for one above, with the entries of those below it. Nothing gives money back here, so what
# is used only grows, and two entries of the same moment may stand in either order.
ABOVE_PASSED = """
    select count(*), coalesce(max(used), 0), coalesce(min(most), 0) from (
      select public.ledger_limit(p) as most,
             sum(public.ledger_delta_used(e.from_bucket, e.to_bucket, e.amount))
               over (order by e.recorded_at, e.account_id, e.seq) as used
        from budget_account p
        join budget_account a on a.tenant_id = p.tenant_id
                             and (a.id = p.id or p.id = any (a.controllers))
        join ledger_entry e on e.tenant_id = a.tenant_id and e.account_id = a.id
       where p.tenant_id = %s and p.budget_id = %s) x
     where used > most
"""
AROUND = (
    ("insert into budget_account (tenant_id, budget_id, currency, decimals)"
    " select tenant_id, budget_id, currency, decimals from budget_account limit 1"),
    *(f"update budget_account set {column} = {column} + 1"
      for column in ("authorized", "reserved", "committed", "spent", "rolled_up", "entry_seq")),
    "update budget_account set controllers = '{}'",
    "update budget_account set head_hash = null",
    "update budget_account set frozen_for = null",
    "delete from budget_account",
    "insert into ledger_entry select * from ledger_entry limit 1",
    "update ledger_entry set amount = amount + 1",
    "delete from ledger_entry",
    ("insert into hold (tenant_id, account_id, budget_id, ref_type, ref_id, amount)"
    " select tenant_id, account_id, budget_id, 'x', 'x', 1 from hold limit 1"),
    "update hold set amount = amount + 1",
    "update hold set state = 'open'",
    "delete from hold",
    "truncate budget_account, ledger_entry, hold",
    ("select ledger_append(a, 'charge', 'available', 'spent', 1, null, null, 'x', null)"
    " from budget_account a"),
    "select ledger_roll_up(tenant_id, array[id], -1) from budget_account",
)  # fmt: skip


class Budgets:
    """One with tolerance and hard cap, and two levels above some children."""

    def __init__(self, stack: BenchStack, room: int) -> None:
        self.stack = stack
        self.tenant_id, _ = stack.tenant("Raw")
        self.alone = self._make("Alone", room, tolerance_pct=Decimal(10))
        self.capped = self._make(
            "Capped", room, tolerance_pct=Decimal(50), hard_cap_amount=Decimal(room * 3 // 4)
        )
        self.root = self._make("Root", room, tolerance_pct=Decimal("2.5"))
        self.middle = self._make(
            "Middle", room, parent_id=self.root, hard_cap_amount=Decimal(room * 2 // 3)
        )
        # Each child alone could use most of what all of them share.
        self.children = [
            self._make(f"Child {n}", room, parent_id=(self.middle, self.root)[n % 2])
            for n in range(CHILDREN)
        ]
        self.all = [self.alone, self.capped, self.root, self.middle, *self.children]

    def _make(self, name: str, amount: int, **control: object) -> UUID:
        with self.stack.database.transaction(self.tenant_id, "trial") as session:
            new = NewBudget(name, "FY2026", Decimal(amount), "USD")
            made = create_budget(session, self.tenant_id, new, "trial")
            if control:
                change_control(session, self.tenant_id, made.id, made.row_version, control)
        return UUID(str(made.id))


class Session:
    """One connection as the application that calls the functions of the ledger."""

    def __init__(self, budgets: Budgets, number: int, seed: int) -> None:
        self.budgets, self.number, self.chance = budgets, number, random.Random(seed + number)
        self.tenant_id = budgets.tenant_id
        self.refs: list[str] = []
        self.said: Counter[str] = Counter()
        self._asked = 0

    def work(self, calls: int) -> Counter[str]:
        """So many calls of each kind, in any order."""
        plan = [kind for kind in KINDS for _ in range(calls)]
        self.chance.shuffle(plan)
        url = self.budgets.stack.urls.database_url
        with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as self.connection:
            for kind in plan:
                try:
                    for answer in getattr(self, f"_{kind}")():
                        self.said[f"{kind} {answer.code}"] += 1
                except psycopg.errors.DeadlockDetected as error:
                    self.said["deadlock"] += 1
                    print(f"{kind}: {error.diag.message_detail} {error.diag.context}", flush=True)
                except psycopg.errors.UniqueViolation:
                    self.said["twin"] += 1
        return self.said

    def _call(self, name: str, *values: object) -> list:  # type: ignore[type-arg]
        marks = ", ".join(["%s"] * len(values))
        return self.connection.execute(
            f"select * from {name}(%s, {marks})".encode(), (self.tenant_id, *values)
        ).fetchall()

    def _new(self) -> tuple[UUID, Decimal, str]:
        """A budget, an amount, and a reference which another session may use at the same time."""
        self._asked += 1
        if self.chance.random() < 0.2:
            ref = f"shared {self._asked + self.chance.randrange(6)}"
        else:
            ref = f"{self.number}/{self._asked}"
        self.refs.append(ref)
        amount = Decimal(self.chance.randint(1, 500)) / 100
        return self.chance.choice(self.budgets.all), amount, ref

    def _reserve(self) -> list:  # type: ignore[type-arg]
        budget, amount, ref = self._new()
        stage = self.chance.choice(("reserved", "committed"))
        return self._call("ledger_reserve", budget, amount, "USD", "raw", ref, None, "raw",
                          None, None, stage)  # fmt: skip

    def _spend(self) -> list:  # type: ignore[type-arg]
        budget, amount, ref = self._new()
        return self._call("ledger_spend", budget, amount, "USD", "raw", ref, None, "raw")

    def _reserve_many(self) -> list:  # type: ignore[type-arg]
        many = [self._new() for _ in range(self.chance.randint(2, 5))]
        budgets, amounts, refs = (list(column) for column in zip(*many, strict=True))
        count = len(many)
        return self._call(
            "ledger_reserve_many", self.chance.choice(("each", "all")), budgets, amounts,
            ["USD"] * count, ["raw"] * count, refs, [None] * count, ["raw"] * count,
        )  # fmt: skip

    def _commit(self) -> list:  # type: ignore[type-arg]
        return self._call("ledger_commit", "raw", self._known(), "raw")

    def _charge(self) -> list:  # type: ignore[type-arg]
        part = self.chance.choice((None, Decimal("0.5")))
        return self._call("ledger_charge", "raw", self._known(), part, "raw")

    def _known(self) -> str:
        return self.chance.choice(self.refs) if self.refs else "none"


def look_at_every_entry(budgets: Budgets, admin: psycopg.Connection, verdict: Verdict) -> None:
    tenant_id = budgets.tenant_id
    for budget in budgets.all:
        above = budget in (budgets.root, budgets.middle)
        statement = (ABOVE_PASSED if above else OWN_PASSED).encode()
        row = admin.execute(statement, (tenant_id, budget)).fetchone()
        assert row is not None
        verdict.counts["violations"] += row[0]
        verdict.require(row[0] == 0, f"{row[0]} entries passed the limit {row[2]}, up to {row[1]}")
    verdict.counts["entries"] = _count(admin, "select count(*) from ledger_entry")
    filled = _count(
        admin,
        "select count(*) from budget_account a where controllers = '{}'"
        " and a.used + a.rolled_up > ledger_limit(a) - 10",
    )
    verdict.require(filled >= 3, f"only {filled} budgets were filled, so little was tried")


def _count(admin: psycopg.Connection, statement: str) -> int:
    row = admin.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def nothing_goes_around(budgets: Budgets, verdict: Verdict) -> None:
    with psycopg.connect(budgets.stack.urls.database_url, autocommit=True) as connection:
        connection.execute(
            "select set_config('bursar.tenant', %s, false)", (str(budgets.tenant_id),)
        )
        for statement in AROUND:
            with suppress(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
                verdict.require(False, f"not refused: {statement}")
    verdict.counts["refused_ways_around"] = len(AROUND)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--calls", type=int, default=500, help="of each function, a session")
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    quietly()
    verdict = Verdict("3 caps hold in raw SQL", options.seed)
    with database_only() as stack, psycopg.connect(stack.admin, autocommit=True) as admin:
        # Full after about a third of what is asked.
        budgets = Budgets(stack, max(50, options.sessions * options.calls * 12 // 8 // 3))
        sessions = [Session(budgets, n, options.seed) for n in range(options.sessions)]
        with ThreadPoolExecutor(options.sessions) as pool:
            said = sum(pool.map(lambda s: s.work(options.calls), sessions), Counter())
        look_at_every_entry(budgets, admin, verdict)
        nothing_goes_around(budgets, verdict)
        deadlocks = _count(admin, "select deadlocks from pg_stat_database where datname = 'bursar'")
        verdict.require(deadlocks == 0, f"{deadlocks} deadlocks")
        with stack.database.transaction(budgets.tenant_id) as session:
            broken = broken_budgets(session, budgets.tenant_id)
        verdict.require(broken == [], f"counters or chain do not hold: {broken}")
    for kind in KINDS:
        verdict.counts[f"{kind}_won"] = said[f"{kind} ok"]
    short = sum(count for what, count in said.items() if what.endswith("insufficient_funds"))
    verdict.require(short > 0, "no call met a limit")
    verdict.close(
        calls=options.sessions * options.calls * len(KINDS), short_of_funds=short,
        deadlocks=deadlocks, twins=said["twin"],
    )  # fmt: skip


if __name__ == "__main__":
    main()
