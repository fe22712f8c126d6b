"""Promises 1, 4 and 10: a cap is never passed, a reservation ends once, drifts are found.

Fifty threads ask for more than there is, a third of them twice; many reservations are charged,
released and let expire at the same moment; and counters of some of a thousand budgets are changed
behind the ledger's back.

usage: python -m bench.trials.races [--reservations 10000] [--races 1000] [--drifts 100] [--seed N]
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.budgets.editing import NewBudget, create_budget
from bursar.errors import BursarError
from bursar.ledger import operations
from bursar.proof.fixing import fix_discrepancy
from bursar.proof.reconcile import broken_budgets
from bursar.proof.rounds import prove

THREADS = 50
ROOM = 2_000


def make_budget(stack: BenchStack, tenant_id: UUID, department: str, amount: int) -> UUID:
    with stack.database.transaction(tenant_id, "trial") as session:
        new = NewBudget(department, "FY2026", Decimal(amount), "USD")
        return UUID(str(create_budget(session, tenant_id, new, "trial").id))


def outcome(work: Any, *arguments: Any, **more: Any) -> str:
    """`ok`, or the code of the refusal."""
    try:
        work(*arguments, actor="trial", **more)
    except BursarError as refusal:
        return refusal.code
    return "ok"


def never_past_the_cap(
    stack: BenchStack, count: int, chance: random.Random, verdict: Verdict
) -> None:
    tenant_id, _ = stack.tenant("Caps")
    budget = make_budget(stack, tenant_id, "Hot", ROOM)
    asked = [f"r{n}" for n in range(count)]
    asked += chance.sample(asked, count * 3 // 10)
    chance.shuffle(asked)

    def one(ref: str) -> tuple[str, str]:
        said = outcome(
            operations.reserve, stack.database, tenant_id, budget, Decimal(1), "USD", ref_id=ref
        )
        return ref, said

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(one, asked))
    won = {ref for ref, said in answers if said == "ok"}
    verdict.require(len(won) == ROOM, f"{len(won)} references won, there was room for {ROOM}")
    others = Counter(said for _, said in answers) - Counter({"ok": len(answers)})
    verdict.require(set(others) <= {"insufficient_funds"}, f"other answers: {dict(others)}")
    said_both = {ref for ref, said in answers if said != "ok"} & won
    verdict.require(not said_both, f"{len(said_both)} references heard two answers")
    stored = operations.read_account(stack.database, tenant_id, budget)
    verdict.require(stored.available == 0, f"{stored.available} is left")
    with stack.database.transaction(tenant_id) as session:
        verdict.require(broken_budgets(session, tenant_id) == [], "counters or chain do not hold")
    verdict.counts["asked"], verdict.counts["won"] = len(answers), len(won)


def ends_once(stack: BenchStack, races: int, verdict: Verdict) -> None:
    tenant_id, _ = stack.tenant("Races")
    budget = make_budget(stack, tenant_id, "Raced", races * 10)
    endings: Counter[str] = Counter()
    database = stack.database
    with psycopg.connect(stack.admin, autocommit=True) as watch, ThreadPoolExecutor(3) as pool:
        for n in range(races):
            ref = f"race{n}"
            operations.reserve(
                database, tenant_id, budget, Decimal(10), "USD", ref_id=ref, actor="trial"
            )
            watch.execute(
                "update hold set expires_at = now() - interval '1 second'"
                " where tenant_id = %s and ref_id = %s", (tenant_id, ref),
            )  # fmt: skip
            said = [
                pool.submit(outcome, operations.charge, database, tenant_id, ref, None),
                pool.submit(outcome, operations.release, database, tenant_id, ref, None),
            ]
            expired = pool.submit(operations.expire_holds, database, tenant_id).result()
            winners = [one.result() for one in said].count("ok") + expired
            verdict.require(winners == 1, f"race {n} had {winners} winners")
            row = watch.execute(
                "select state from hold where tenant_id = %s and ref_id = %s", (tenant_id, ref)
            ).fetchone()
            endings[row[0] if row else "gone"] += 1
    with database.transaction(tenant_id) as session:
        verdict.require(broken_budgets(session, tenant_id) == [], "counters or chain do not hold")
    verdict.counts["races"] = races
    for name, count in endings.items():
        verdict.counts[f"ended_{name}"] = count


def drifts_are_found(
    stack: BenchStack, drifts: int, chance: random.Random, verdict: Verdict
) -> None:
    tenant_id, _ = stack.tenant("Drifts")
    budgets = [make_budget(stack, tenant_id, f"D{n}", 1_000) for n in range(1_000)]
    for n, budget in enumerate(budgets):
        operations.reserve(
            stack.database, tenant_id, budget, Decimal(n % 500 + 1), "USD", ref_id=f"d{n}",
            actor="trial",
        )  # fmt: skip
    chosen = set(chance.sample(budgets, drifts))
    with psycopg.connect(stack.admin, autocommit=True) as watch:
        for budget in chosen:
            column = chance.choice(("authorized", "reserved", "committed", "spent", "rolled_up"))
            change = chance.choice(("0.01", "1", "100"))
            watch.execute(
                f"update budget_account set {column} = {column} + %s"
                " where tenant_id = %s and budget_id = %s",
                (change, tenant_id, budget),
            )
    with stack.database.transaction(tenant_id) as session:
        found = {budget for budget, _ in broken_budgets(session, tenant_id)}
    verdict.require(chosen <= found, f"{len(chosen - found)} drifts were not found")
    verdict.require(found <= chosen, f"{len(found - chosen)} budgets were named without cause")
    with stack.database.transaction(tenant_id, "system") as session:
        frozen = {one.budget_id for one in prove(session, tenant_id) if one.event == "frozen"}
    verdict.require(frozen == chosen, f"a round of the proof froze {len(frozen)}")
    for budget in chosen:
        with stack.database.transaction(tenant_id, "trial") as session:
            fix_discrepancy(session, tenant_id, budget, "trial", "trial")
    with stack.database.transaction(tenant_id) as session:
        verdict.require(broken_budgets(session, tenant_id) == [], "repaired budgets do not hold")
    verdict.counts["drifts"], verdict.counts["found"] = len(chosen), len(found)
    verdict.counts["frozen_and_repaired"] = len(frozen)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reservations", type=int, default=10_000)
    parser.add_argument("--races", type=int, default=1_000)
    parser.add_argument("--drifts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    quietly()
    chance = random.Random(options.seed)
    verdict = Verdict("1, 4, 10 caps, endings and drifts", options.seed)
    with database_only() as stack:
        never_past_the_cap(stack, options.reservations, chance, verdict)
        ends_once(stack, options.races, verdict)
        drifts_are_found(stack, options.drifts, chance, verdict)
    verdict.close()


if __name__ == "__main__":
    main()
