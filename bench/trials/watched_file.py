"""One file of one source: what it has held, how it is looked at, and what must have been loaded."""

from __future__ import annotations

import hashlib
import random
from decimal import Decimal
from itertools import pairwise

from sqlalchemy import text, update

from bench import messy
from bench.stack import BenchStack
from bench.trials.meddling import S3Place, SftpPlace
from bench.trials.verdict import Verdict
from bursar.jobs.rows import Bell
from schema.tables import ImportRun, Job, SourceFile, StoredFile
from tests.connectors.conftest import Feed

SETTLE = 60


class Watched:
    """One file of one source, what it has held, and what of that must have been loaded."""

    def __init__(
        self, verdict: Verdict, stack: BenchStack, place: SftpPlace | S3Place, event: str,
        rows: int, seed: int,
    ) -> None:  # fmt: skip
        self.place, self.event, self.verdict = place, event, verdict
        self.chance = random.Random(seed)
        tenant_id, _ = stack.tenant()
        settle = SETTLE if place.kind == "sftp" else 0
        self.feed = Feed(stack.database, tenant_id, place, place.kind, settle_seconds=settle)
        self._rows = messy.rows_of(rows, seed)
        self._known: dict[bytes, list[messy.Row]] = {}
        self.loads: list[bytes] = []

    def content(self) -> bytes:
        """New bytes: at first the rows, later the same ones with some other amounts."""
        if self._known:
            self._rows = messy.changed(self._rows, 0.3, self.chance.randrange(1 << 30))
        content = messy.clean_csv(self._rows)
        self._known[content] = self._rows
        return content

    def look(self) -> None:
        """One run of the source, asked for or planned by the one before."""
        waiting = Job.state.in_(("queued", "retrying"))
        planned = self.feed.all(Job, waiting, Job.kind == "sources.sync")
        # A run that is tried again is not joined by another one, so that one has to be it.
        again = [job for job in planned if job.state == "retrying"]
        if again or (planned and self.chance.random() < 0.5):
            job = (again or planned)[0]
            self.verdict.counts["tried again"] += len(again)
            self._set(update(Job).where(Job.id == job.id).values(run_after=Job.created_at))
            self.feed.work(Bell(job.tenant_id, job.id, job.kind, job.queue))
        else:
            self.feed.sync(self.chance.choice(("manual", "schedule")))
        self.verdict.counts["looks"] += 1
        seen = self.feed.budgets()
        whole = [{}, *(_as_budgets(self._known[content]) for content in self.loads)]
        self.require(seen in whole, f"the tables hold {len(seen)} budgets, of no whole file")

    def pass_time(self) -> None:
        """Let more than the time pass in which a file has to stand still."""
        self._set(
            update(SourceFile)
            .where(SourceFile.state == "settling")
            .values(created_at=SourceFile.created_at - text(f"interval '{SETTLE + 1} seconds'"))
        )

    def rest(self) -> None:
        """Look until everything that is there has been taken."""
        for _ in range(3):
            self.look()
            self.pass_time()

    def load(self, content: bytes, name: str = "budget.csv") -> None:
        """Write a content that stands still, and let it be loaded."""
        self.place.put(name, content, by_rename=self.chance.random() < 0.5)
        self.loads.append(content)
        self.rest()

    def require(self, holds: bool, what: str) -> None:
        """As the verdict's, with what happened to this file."""
        self.verdict.require(holds, f"{self.place.kind}, {self.event}: {what}")

    def judge(self) -> None:
        """Whether each content was imported once, and nothing else was."""
        wanted = [hashlib.sha256(content).digest() for content in self.loads]
        with self.feed.database.transaction(self.feed.tenant_id) as session:
            ran = session.execute(
                text(
                    "select f.sha256, r.state, r.created_rows, r.updated_rows from import_run r"
                    " join stored_file f on f.tenant_id = r.tenant_id and f.id = r.file_id"
                    " order by r.created_at, r.id"
                )
            ).all()
            entries, total = session.execute(
                text(
                    "select (select count(*) from ledger_entry),"
                    " (select sum(authorized) from budget_account)"
                )
            ).one()
        self.require([bytes(run.sha256) for run in ran] == wanted,
                     f"{len(ran)} imports for {len(wanted)} contents")  # fmt: skip
        rows = len(self._rows)
        states = {run.state for run in ran}
        self.require(states == {"completed"}, f"imports ended {states}")
        self.require([run.created_rows for run in ran] == [rows] + [0] * (len(ran) - 1),
                     f"they created {[run.created_rows for run in ran]}")  # fmt: skip
        changed = [_differing(self._known[a], self._known[b]) for a, b in pairwise(self.loads)]
        self.require([run.updated_rows for run in ran[1:]] == changed, "other rows were updated")
        self.require(entries == rows + sum(changed), f"{entries} entries in the ledger")
        amounts = [Decimal(amount) for _, _, amount in self._known[self.loads[-1]]]
        self.require(total == sum(amounts), f"they add up to {total}")
        stored = {bytes(file.sha256) for file in self.feed.all(StoredFile)}
        self.require(stored == set(wanted), "what no file was is in the store")
        bad = [f.path for f in self.feed.all(SourceFile) if f.state in ("failed", "waiting")]
        self.require(bad == [], f"failed or waiting: {bad}")
        self.require(len(self.feed.all(ImportRun)) == len(ran), "an import without a file")
        self.verdict.counts["loads"] += len(ran)

    def _set(self, statement: object) -> None:
        with self.feed.database.transaction(self.feed.tenant_id, "trial") as session:
            session.execute(statement)  # type: ignore[call-overload]


def _as_budgets(rows: list[messy.Row]) -> dict[str, str]:
    return {f"{department}/{category}": amount for department, category, amount in rows}


def _differing(before: list[messy.Row], after: list[messy.Row]) -> int:
    return sum(a != b for a, b in zip(before, after, strict=True))
