"""Housekeeping of the installation: what is due is taken once, however many beats are ticking."""

from __future__ import annotations

from datetime import datetime

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
