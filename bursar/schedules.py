"""Housekeeping of the installation: what is due is taken once, however many beats are ticking."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from bursar.database import Database

# What the tick starts, and how often, in seconds. `docs/reference/schedules.md` says what a miss
# means.
HOUSEKEEPING = {
    "expire_holds": 10,
    "raise_alerts": 10,
    "start_sources": 10,
    "follow_imports": 10,
    "send_webhooks": 10,
    "ledger_partitions": 86_400,
    "forget_idempotency_keys": 3_600,
}


def take_due(database: Database) -> list[tuple[str, datetime]]:
    """Claim the schedules that are due and move them to their next moment.

    After downtime a schedule runs once, not once for every moment it missed.
    """
    with database.transaction(None) as session:
        session.execute(
            text(
                "insert into schedule (name, every_seconds) values (:name, :every)"
                " on conflict (name) do update set every_seconds = excluded.every_seconds"
                " where schedule.every_seconds <> excluded.every_seconds"
            ),
            [{"name": name, "every": every} for name, every in HOUSEKEEPING.items()],
        )
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
