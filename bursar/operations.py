"""How things run, at one look: processes, schedules, what waits, what was given up, imports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from bursar import schedules
from bursar.database import Database
from bursar.importing.rates import Rates, Warned, rates, warnings_by_source
from bursar.jobs.overview import Depth, depths, ended_badly
from bursar.proof import standing
from schema.tables import Job, LedgerWatch

# What an operator is told of: a job that waits for so long, and a share of imports that fail.
LONGEST_WAIT = timedelta(minutes=5)
MOST_FAILED_PERCENT, LEAST_IMPORTS = 10, 10


@dataclass(frozen=True, slots=True)
class Operations:
    """Everything that the page of operations shows of one tenant and of the installation."""

    processes: list[schedules.Process]
    schedules: list[schedules.Standing]
    depths: list[Depth]
    ended_badly: list[Job]
    rates: Rates
    warned: list[Warned]
    watch: LedgerWatch
    seen_at: datetime

    @property
    def concerns(self) -> list[str]:
        """What somebody has to look after, in sentences; nothing when one may sleep."""
        return [*self._of_processes(), *self._of_schedules(), *self._of_work()]

    def _of_processes(self) -> Iterator[str]:
        stopped = {
            "worker": "No worker shows itself: jobs wait until one is started.",
            "beat": "The clock (beat) does not show itself: no schedule runs.",
        }
        yield from (stopped[one.name] for one in self.processes if one.state == "down")

    def _of_schedules(self) -> Iterator[str]:
        for state, words in (("late", "late"), ("paused", "paused for all organisations")):
            names = [one.name for one in self.schedules if one.state == state]
            if names:
                yield f"Schedules that are {words}: {', '.join(names)}."

    def _of_work(self) -> Iterator[str]:
        oldest = min((one.oldest for one in self.depths if one.oldest), default=self.seen_at)
        if self.seen_at - oldest > LONGEST_WAIT:
            minutes = int((self.seen_at - oldest).total_seconds() // 60)
            yield f"A job has been ready for {minutes} minutes, and no worker has taken it."
        if any(job.state == "dead" for job in self.ended_badly):
            yield "Jobs were given up in the last day; see below what went wrong."
        asked, failed = self.rates.asked, self.rates.failed
        if asked >= LEAST_IMPORTS and failed * 100 > asked * MOST_FAILED_PERCENT:
            yield f"Of {asked} imports in the last day, {failed} failed."
        if self.watch.frozen:
            yield f"Accounts that are frozen because they do not prove: {self.watch.frozen}."


def look(session: Session, database: Database) -> Operations:
    """Look at everything once, as the tenant of the session."""
    return Operations(
        schedules.processes(database),
        schedules.standings(session),
        depths(session),
        ended_badly(session),
        rates(session),
        warnings_by_source(session),
        standing.of_tenant(session),
        datetime.now(UTC),
    )
