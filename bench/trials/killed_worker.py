"""Promise 13: an import is all or nothing, whenever its worker dies.

A worker in a process of its own is killed (kill -9) at a random moment of an import; kills that
came too late, after the job had ended, are made good by more. At once, and while the dead worker's
last statement may still run, the tables must hold none or all of the file; a successor that takes
over at once must end the import; and then there is one budget, one account and one entry for each
good row, with the file's sum, and the history names the worker that was lost. With --each, every
import loses so many workers one after the other; where that uses up the job's attempts, it is
retried, as an operator does.

usage: python -m bench.trials.killed_worker [--kills 200] [--each 1] [--rows 6000] [--seed N]
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import random
import tempfile
import time
from collections import Counter
from decimal import Decimal
from uuid import UUID

import psycopg

from bench import messy
from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar import files
from bursar.config import settings
from bursar.database import Database
from bursar.importing import runs
from bursar.importing.applying import run_import
from bursar.importing.runs import Wish, record_failure
from bursar.jobs import rows as job_rows
from bursar.jobs import runner

# Spawned afresh by a clean server, so that a worker shares nothing with this process.
PROCESSES = multiprocessing.get_context("forkserver")
TOO_LATE = "after the end"
STAGES = ("copy import_staging", "import_plan", "ledger_open_import", "import_apply", "COMMIT")


def work(url: str, tenant_id: UUID, job_id: UUID) -> None:
    """What the doomed worker does."""
    os.environ["PGAPPNAME"] = "doomed"
    quietly()
    database = Database(url, 4)
    runner.run(database, tenant_id, job_id, run_import, record_failure)


def where_it_is(watch: psycopg.Connection) -> str:
    """What the doomed worker's import is doing in the database."""
    rows = watch.execute(
        "select query from pg_stat_activity where application_name = 'doomed'"
        " and state in ('active', 'idle in transaction') order by state"
    ).fetchall()
    said = " ".join(row[0] for row in rows).lower()
    return next(
        (stage for stage in STAGES if stage.lower() in said), "reading and cleaning, or between"
    )


def loaded(watch: psycopg.Connection, tenant_id: UUID) -> tuple[int, int, int, Decimal]:
    """Budgets, accounts, entries and the authorized sum of a tenant, as anybody sees them."""
    row = watch.execute(
        "select (select count(*) from budget where tenant_id = %(t)s),"
        " (select count(*) from budget_account where tenant_id = %(t)s),"
        " (select count(*) from ledger_entry where tenant_id = %(t)s),"
        " (select coalesce(sum(authorized), 0) from budget_account where tenant_id = %(t)s)",
        {"t": tenant_id},
    ).fetchone()
    assert row is not None
    return row


class Cycle:
    """One import whose worker is killed once."""

    def __init__(self, stack: BenchStack, watch: psycopg.Connection, rows: int, seed: int) -> None:
        self._stack, self._watch = stack, watch
        clean = messy.rows_of(rows, seed)
        good = [Decimal(a) for n, (_, _, a) in enumerate(clean) if n % 100 != 7]
        self._all = (len(good), len(good), len(good), sum(good))
        self.tenant_id, _ = stack.tenant()
        content = io.BytesIO(messy.messy_csv(clean, seed))
        with stack.database.transaction(self.tenant_id, "trial") as session:
            stored = files.receive(session, self.tenant_id, "b.csv", content, "trial", 1 << 30)
            run = runs.request_import(
                session, self.tenant_id, stored.id, Wish(mode="skip_errors"), "trial"
            )
            self.job_id = runs.start(session, run, "imports.run", "trial", None).job_id

    def let_run(self, kill_after: float | None) -> tuple[str, float]:
        """Start a worker and kill it so many seconds after it took the job; where it was then, and
        how long it had the job.
        """
        worker = PROCESSES.Process(
            target=work, args=(self._stack.urls.database_url, self.tenant_id, self.job_id)
        )
        before = self.history()[2]
        worker.start()
        while self.history()[2] == before:
            time.sleep(0.001)
        start = time.perf_counter()
        if kill_after is None:
            while self.history()[1] == "running":
                time.sleep(0.005)
            took = time.perf_counter() - start
            worker.join()
            return "", took
        time.sleep(kill_after)
        where = where_it_is(self._watch)
        worker.kill()
        worker.join()
        ended = self.history()[1] == "succeeded"
        return TOO_LATE if ended and where != "COMMIT" else where, time.perf_counter() - start

    def whole_or_nothing(self) -> bool:
        """Whether everything or nothing of the file is there."""
        return loaded(self._watch, self.tenant_id) in ((0, 0, 0, 0), self._all)

    def expire_lease(self) -> None:
        """Let the lease run out at once; a job whose attempts are used up is retried."""
        self._watch.execute(
            "update job set leased_until = now() - interval '1 second', run_after = now()"
            " where tenant_id = %s and id = %s and state in ('running', 'retrying')",
            (self.tenant_id, self.job_id),
        )
        with self._stack.database.transaction(self.tenant_id, "trial") as session:
            job = job_rows.get_job(session, self.job_id)
            hopeless = job.state == "running" and job.attempts >= job.max_attempts
        if hopeless:
            runner.run(
                self._stack.database, self.tenant_id, self.job_id, run_import, record_failure
            )
            with self._stack.database.transaction(self.tenant_id, "trial") as session:
                job_rows.retry(session, self.job_id, "trial")
                runs.reopen(session, UUID(job.payload["import_id"]), job.kind)

    def take_over(self) -> None:
        """Let the lease run out at once, and do the job as the next worker does."""
        for _ in range(100):
            self.expire_lease()
            runner.run(
                self._stack.database, self.tenant_id, self.job_id, run_import, record_failure
            )
            state = self._watch.execute(
                "select state from job where tenant_id = %s and id = %s",
                (self.tenant_id, self.job_id),
            ).fetchone()
            if state and state[0] not in ("queued", "running", "retrying"):
                return
            time.sleep(0.05)

    def history(self) -> tuple[str, str, int, list[str | None], str | None]:
        """The import's state, the job's, its attempts, how each of them ended, and why."""
        row = self._watch.execute(
            "select r.state, j.state, j.attempts, array(select a.outcome from job_attempt a"
            " where a.tenant_id = j.tenant_id and a.job_id = j.id order by a.attempt_no),"
            " j.error ->> 'detail'"
            " from job j join import_run r on r.tenant_id = j.tenant_id and r.job_id = j.id"
            " where j.tenant_id = %s and j.id = %s",
            (self.tenant_id, self.job_id),
        ).fetchone()
        assert row is not None
        return row

    def check(self, verdict: Verdict, name: str) -> None:
        """What must be so in the end."""
        seen = loaded(self._watch, self.tenant_id)
        verdict.require(seen == self._all, f"{name}: {seen} instead of {self._all}")
        state, job, attempts, outcomes, why = self.history()
        honest = [*["worker_lost"] * (attempts - 1), "succeeded"]
        verdict.require(
            (state, job, outcomes) == ("completed_with_errors", "succeeded", honest),
            f"{name}: the history says {state}, {job}, {outcomes}, {why}",
        )
        verdict.counts["attempts"] += attempts
        with self._stack.database.transaction(self.tenant_id) as session:
            connection = session.connection().connection
            found = connection.cursor().execute(
                "select count(*) from ledger_verify(%s)", (self.tenant_id,)
            )
            wrong = found.fetchone()[0]  # type: ignore[attr-defined]
        verdict.require(wrong == 0, f"{name}: {wrong} chains do not verify")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--each", type=int, default=1, help="workers that each import loses")
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    PROCESSES.set_forkserver_preload(["bursar.importing.applying"])
    verdict = Verdict("13 an import is all or nothing", options.seed)
    quietly()
    chance = random.Random(options.seed)
    stages: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, database_only() as stack:
        os.environ["BURSAR_FILE_STORE"] = folder
        settings.cache_clear()
        with psycopg.connect(stack.admin, autocommit=True) as watch:
            usual = []
            for n in range(4):
                cycle = Cycle(stack, watch, options.rows, n)
                usual.append(cycle.let_run(None)[1])
                cycle.check(verdict, f"undisturbed {n}")
            longest = min(usual)
            n = 0
            while verdict.counts["kills"] < options.kills:
                n += 1
                cycle = Cycle(stack, watch, options.rows, options.seed + n)
                for _ in range(options.each):
                    where, _ = cycle.let_run(chance.uniform(0, 1) * longest)
                    stages[where] += 1
                    verdict.counts["kills"] += where != TOO_LATE
                    # The machine is faster and slower from minute to minute.
                    longest *= 0.97 if where == TOO_LATE else 1.01
                    verdict.require(cycle.whole_or_nothing(), f"kill {n} ({where}): half is there")
                    if where == TOO_LATE:
                        break
                    cycle.expire_lease()
                cycle.take_over()
                cycle.check(verdict, f"kill {n} ({where})")
    verdict.close(killed_while=dict(stages.most_common()))


if __name__ == "__main__":
    main()
