"""Housekeeping of the installation: what is due is taken once, however many beats are ticking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar.database import Database
from bursar.errors import NotFound
from schema.tables import Schedule

# What the tick starts, and how often, in seconds. `docs/reference/schedules.md` says what a miss
# means.
HOUSEKEEPING = {
    "expire_holds": 10,
    "raise_alerts": 10,
    "resolve_alerts": 60,
    "start_sources": 10,
    "follow_imports": 10,
    "send_webhooks": 10,
    "reset_budgets": 60,
    "forecast_budgets": 86_400,
    "ledger_partitions": 86_400,
    "forget_idempotency_keys": 3_600,
    "prove_ledger": 20,
    "reconcile_ledger": 86_400,
    "seal_ledger": 86_400,
}


# A kind of process that has not shown itself for so many seconds counts as down.
SILENT_AFTER = {"worker": 20.0, "beat": 45.0}
# A schedule this far behind its moment is late: three ticks have passed it by.
LATE_AFTER = timedelta(seconds=30)

_STANDINGS = text(
    """
    select s.name, s.every_seconds, s.next_due_at, s.paused_at, s.paused,
           not s.paused and s.next_due_at < now() - :late as late,
           (select r.started_at from schedule_run r where r.name = s.name
             order by r.due_at desc limit 1) as last_at
      from schedule s where s.name = any(:names) order by s.name
    """
)
_KEEP = text(
    "insert into schedule (name, every_seconds) values (:name, :every)"
    " on conflict (name) do update set every_seconds = excluded.every_seconds"
    " where schedule.every_seconds <> excluded.every_seconds"
)


def take_due(database: Database) -> list[tuple[str, datetime]]:
    """Claim the schedules that are due and move them to their next moment.

    After downtime a schedule runs once, not once for every moment it missed.
    """
    with database.transaction(None) as session:
        _keep_all(session)
        rows = session.execute(
            text(
                "with due as (select name, next_due_at, every_seconds from schedule"
                "   where not paused and next_due_at <= now() for update skip locked),"
                " moved as (update schedule s set next_due_at ="
                "   greatest(d.next_due_at, now() - make_interval(secs => d.every_seconds))"
                "   + make_interval(secs => d.every_seconds)"
                "   from due d where s.name = d.name)"
                " insert into schedule_run (name, due_at) select name, next_due_at from due"
                " on conflict do nothing returning name, due_at"
            )
        ).all()
        session.execute(
            text("delete from schedule_run where started_at < now() - interval '7 days'")
        )
    return [(row.name, row.due_at) for row in rows]


def all_schedules(database: Database) -> list[Schedule]:
    """The housekeeping of this installation, by name."""
    with database.transaction(None) as session:
        _keep_all(session)
        known = select(Schedule).where(Schedule.name.in_(HOUSEKEEPING)).order_by(Schedule.name)
        return list(session.execute(known).scalars())


@dataclass(frozen=True, slots=True)
class Standing:
    """How one schedule stands; `last_at` is None when it has not run for days, or ever."""

    name: str
    every_seconds: int
    next_due_at: datetime
    paused_at: datetime | None
    paused: bool
    late: bool
    last_at: datetime | None

    @property
    def state(self) -> str:
        """In one word."""
        if self.paused:
            return "paused"
        return "late" if self.late else "on_time" if self.last_at else "untried"


@dataclass(frozen=True, slots=True)
class Process:
    """A kind of process and the seconds since it was seen, None for never."""

    name: str
    age: float | None
    silent_after: float

    @property
    def state(self) -> str:
        """In one word."""
        return "healthy" if self.age is not None and self.age <= self.silent_after else "down"


def standings(session: Session) -> list[Standing]:
    """The housekeeping of this installation as it stands, by name. Only reads."""
    asked = {"names": list(HOUSEKEEPING), "late": LATE_AFTER}
    return [Standing(**row._mapping) for row in session.execute(_STANDINGS, asked)]


def processes(database: Database) -> list[Process]:
    """Worker and beat, and whether they are alive."""
    seen = last_seen(database)
    return [Process(name, seen.get(name), limit) for name, limit in SILENT_AFTER.items()]


def pause(database: Database, name: str) -> None:
    """Keep a schedule from being started, for all tenants. Raises NotFound."""
    with database.transaction(None) as session:
        schedule = _locked(session, name)
        if not schedule.paused:
            schedule.paused, schedule.paused_at = True, func.now()


def resume(database: Database, name: str) -> None:
    """Let a schedule be started again: once for all moments that it missed. Raises NotFound."""
    with database.transaction(None) as session:
        schedule = _locked(session, name)
        schedule.paused, schedule.paused_at = False, None


def _locked(session: Session, name: str) -> Schedule:
    if name not in HOUSEKEEPING:
        known = ", ".join(sorted(HOUSEKEEPING))
        raise NotFound(f"There is no schedule {name!r}; there are {known}.")
    _keep_all(session)
    return session.get_one(Schedule, name, with_for_update=True)


def _keep_all(session: Session) -> None:
    session.execute(_KEEP, [{"name": name, "every": n} for name, n in HOUSEKEEPING.items()])


def beat(database: Database, name: str) -> None:
    """Note that a kind of process is alive; `/readyz` and the operator read it."""
    with database.transaction(None) as session:
        session.execute(
            text(
                "insert into heartbeat (name) values (:name)"
                " on conflict (name) do update set seen_at = now()"
            ),
            {"name": name},
        )


def last_seen(database: Database) -> dict[str, float]:
    """Seconds since each kind of process was last seen."""
    with database.transaction(None) as session:
        rows = session.execute(
            text("select name, extract(epoch from now() - seen_at) as age from heartbeat")
        ).all()
    return {row.name: float(row.age) for row in rows}
