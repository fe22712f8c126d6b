"""A period is closed once and wholly, whenever the worker that closes it dies.

A worker in a process of its own is killed (kill -9) at a random moment of closing a year with all
that is left in it. At once, each budget must be either here or in the next year, and what went
along must have left and come as pairs; a successor takes over, and then every budget is there once,
with the money and the reservations that it had, the year is closed, and every chain verifies.

usage: python -m bench.trials.killed_closing [--kills 50] [--budgets 300] [--seed N]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import time
from collections import Counter
from decimal import Decimal
from uuid import UUID

import psycopg

from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.budgets.editing import NewBudget, create_budget
from bursar.database import Database
from bursar.jobs import runner
from bursar.jobs.rows import enqueue
from bursar.ledger import operations
from bursar.period_end.closing import close_period
from bursar.proof.reconcile import broken_budgets

PROCESSES = multiprocessing.get_context("forkserver")
TOO_LATE = "after the end"
ASKED = {"period": "FY2025", "next": "FY2026", "rollover": "carry_all", "rollover_cap": None,
         "reason": "", "dry_run": False}  # fmt: skip
# Open accounts by year, with what they hold.
STANDING = """
select b.fiscal_period, count(*), sum(a.authorized - a.spent), sum(a.reserved)
  from budget_account a join budget b on b.tenant_id = a.tenant_id and b.id = a.budget_id
 where a.tenant_id = %s and a.closed_at is null and a.period_state is distinct from 'closed'
   and b.deleted_at is null
 group by 1 order by 1
"""
PAIRS = """
select coalesce(sum(case kind when 'carry_in' then amount else -amount end), 0) from ledger_entry
 where tenant_id = %s and kind in ('carry_in', 'carry_out')
"""


def work(url: str, tenant_id: UUID, job_id: UUID) -> None:
    """What the doomed worker does."""
    os.environ["PGAPPNAME"] = "doomed"
    quietly()
    runner.run(Database(url, 4), tenant_id, job_id, close_period, runner.nothing_to_tell)


class Year:
    """A tenant's budgets of a year that is being closed."""

    def __init__(self, stack: BenchStack, watch: psycopg.Connection, budgets: int) -> None:
        self._stack, self._watch = stack, watch
        self.tenant_id, _ = stack.tenant()
        for n in range(budgets):
            with stack.database.transaction(self.tenant_id, "trial") as session:
                new = NewBudget(f"Dept {n}", "FY2025", Decimal(1000 + n), "USD")
                budget = create_budget(session, self.tenant_id, new, "trial")
            operations.reserve(
                stack.database, self.tenant_id, budget.id, Decimal(n % 90 + 1), "USD",
                ref_id=f"PO-{n}", actor="trial",
            )  # fmt: skip
        self.before = self.standing()
        with stack.database.transaction(self.tenant_id, "trial") as session:
            self.job_id = enqueue(
                session, self.tenant_id, "periods.close", ASKED, actor="trial"
            ).job_id

    def standing(self) -> tuple[int, Decimal, Decimal]:
        """Open budgets of all years, with what is left in them and what is reserved."""
        rows = self._watch.execute(STANDING, (self.tenant_id,)).fetchall()
        return (
            sum(row[1] for row in rows), sum((row[2] for row in rows), Decimal(0)),
            sum((row[3] for row in rows), Decimal(0)),
        )  # fmt: skip

    def let_run(self, kill_after: float | None) -> tuple[str, float]:
        """Start a worker and kill it so many seconds after it took the job; how far it was."""
        worker = PROCESSES.Process(
            target=work, args=(self._stack.urls.database_url, self.tenant_id, self.job_id)
        )
        worker.start()
        while self.job()[1] == 0:
            time.sleep(0.001)
        start = time.perf_counter()
        if kill_after is not None:
            time.sleep(kill_after)
            worker.kill()
        worker.join()
        took = time.perf_counter() - start
        moved = self._watch.execute(
            "select count(*) from budget where tenant_id = %s and fiscal_period = 'FY2026'",
            (self.tenant_id,),
        ).fetchone()
        assert moved is not None
        if self.job()[0] == "succeeded":
            return TOO_LATE, took
        return "before the first budget" if moved[0] == 0 else "between budgets", took

    def job(self) -> tuple[str, int]:
        row = self._watch.execute(
            "select state, attempts from job where tenant_id = %s and id = %s",
            (self.tenant_id, self.job_id),
        ).fetchone()
        assert row is not None
        return row

    def take_over(self) -> None:
        """Let the lease run out at once, and do the job as the next worker does."""
        for _ in range(100):
            self._watch.execute(
                "update job set leased_until = now() - interval '1 second', run_after = now()"
                " where tenant_id = %s and id = %s and state in ('running', 'retrying')",
                (self.tenant_id, self.job_id),
            )
            runner.run(
                self._stack.database, self.tenant_id, self.job_id, close_period,
                runner.nothing_to_tell,
            )  # fmt: skip
            if self.job()[0] not in ("queued", "running", "retrying"):
                return
            time.sleep(0.05)

    def check(self, verdict: Verdict, name: str) -> None:
        """What must be so at every moment."""
        seen = self.standing()
        verdict.require(seen == self.before, f"{name}: {seen} instead of {self.before}")
        unpaired = self._watch.execute(PAIRS, (self.tenant_id,)).fetchone()
        verdict.require(unpaired == (0,), f"{name}: pairs add up to {unpaired}")
        with self._stack.database.transaction(self.tenant_id) as session:
            wrong = broken_budgets(session, self.tenant_id)
        verdict.require(wrong == [], f"{name}: {len(wrong)} budgets do not prove")

    def check_end(self, verdict: Verdict, name: str) -> None:
        """What must be so in the end."""
        self.check(verdict, name)
        years = self._watch.execute(STANDING, (self.tenant_id,)).fetchall()
        verdict.require([row[0] for row in years] == ["FY2026"], f"{name}: {years} are open")
        state = self._watch.execute(
            "select state from fiscal_period where tenant_id = %s and code = 'FY2025'",
            (self.tenant_id,),
        ).fetchone()
        verdict.require(state == ("closed",), f"{name}: the year is {state}")
        verdict.require(self.job()[0] == "succeeded", f"{name}: the job is {self.job()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--budgets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    PROCESSES.set_forkserver_preload(["bursar.period_end.closing"])
    verdict = Verdict("a period is closed once and wholly", options.seed)
    quietly()
    chance = random.Random(options.seed)
    stages: Counter[str] = Counter()
    with database_only() as stack, psycopg.connect(stack.admin, autocommit=True) as watch:
        year = Year(stack, watch, options.budgets)
        longest = year.let_run(None)[1]
        year.check_end(verdict, "undisturbed")
        while verdict.counts["kills"] < options.kills:
            year = Year(stack, watch, options.budgets)
            where, _ = year.let_run(chance.uniform(0, 1) * longest)
            stages[where] += 1
            verdict.counts["kills"] += where != TOO_LATE
            longest *= 0.97 if where == TOO_LATE else 1.01
            name = f"kill {verdict.counts['kills']} ({where})"
            year.check(verdict, name)
            year.take_over()
            year.check_end(verdict, name)
    verdict.close(killed_while=dict(stages.most_common()))


if __name__ == "__main__":
    main()
