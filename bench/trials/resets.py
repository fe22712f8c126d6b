"""Promise 12: a budget starts anew once a period, whoever asks, on whatever day that is.

Boundaries are ends of months of all lengths, leap days, starts of fiscal years, and the days on
which clocks change in several time zones. A second before each the budget must not start anew; a
second after it fifty callers ask at once, and one of them does it.

usage: python -m bench.trials.resets [--boundaries 400] [--callers 50] [--seed N]
"""

from __future__ import annotations

import argparse
import random
from calendar import isleap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.budgets.editing import NewBudget, create_budget
from bursar.ledger import operations
from bursar.period_end.recurrence import Recurrence, set_recurrence
from bursar.period_end.resets import reset
from bursar.period_end.rhythm import Rhythm
from bursar.proof.reconcile import broken_budgets
from bursar.reports.ranges import Calendar
from schema.tables import BudgetRecurrence

ZONES = ("UTC", "Africa/Harare", "Europe/Berlin", "America/New_York", "America/Havana",
         "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")  # fmt: skip
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Boundary:
    """A day on which a period starts, by a rhythm, in a time zone."""

    day: date
    rhythm: Rhythm
    zone: str


def boundaries(count: int, chance: random.Random) -> list[Boundary]:
    """As many different ones: the awkward first, then any."""
    found: dict[tuple[date, str, str, int], Boundary] = {}

    def add(day: date, zone: str, kind: str, reset_day: int, start: int = 1) -> None:
        rhythm = Rhythm(kind, reset_day, start)
        period = rhythm.period_of(day)
        if period is not None and period.starts_on == day:
            found.setdefault((day, zone, kind, reset_day), Boundary(day, rhythm, zone))

    for zone in ZONES:
        for change in clock_changes(zone, 2026):
            add(change, zone, "monthly", change.day)
        for year in (2027, 2028):
            add(date(year, 3, 1) - timedelta(days=1), zone, "monthly", 29 + isleap(year))
            add(date(year, 3, 1) - timedelta(days=1), zone, "yearly", 31, 2)
    while len(found) < count:
        day = date(2026, 1, 1) + timedelta(days=chance.randrange(1500))
        kind = chance.choice(("monthly", "quarterly", "yearly"))
        last = (day + timedelta(days=1)).day == 1
        start = (
            (day.month - 1 + chance.choice((0, 3, 6, 9))) % 12 + 1
            if kind != "yearly"
            else day.month
        )
        add(day, chance.choice(ZONES), kind, 31 if last else day.day, start)
    return list(found.values())[:count]


def clock_changes(zone: str, year: int) -> list[date]:
    """The days of a year that are not 24 hours long."""
    calendar = Calendar(ZoneInfo(zone))
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    return [d for d in days if calendar.end_of(d) - calendar.start_of(d) != timedelta(days=1)]


def one_boundary(
    stack: BenchStack, tenant_id: UUID, number: int, boundary: Boundary,
    pool: ThreadPoolExecutor, callers: int, verdict: Verdict,
) -> None:  # fmt: skip
    database, calendar = stack.database, Calendar(ZoneInfo(boundary.zone))
    rhythm = boundary.rhythm
    start: datetime = calendar.start_of(boundary.day)
    before, after = calendar.day_of(start - SECOND), calendar.day_of(start + SECOND)
    named = f"{boundary.day} {rhythm.period_type}/{rhythm.reset_day} in {boundary.zone}"
    verdict.require((before, after) == (boundary.day - timedelta(days=1), boundary.day),
                    f"{named}: the day turns elsewhere")  # fmt: skip
    last = rhythm.period_of(before)
    turns = (
        last is not None
        and last.ends_on == before
        and not rhythm.should_reset(last.starts_on, before)
        and rhythm.should_reset(last.starts_on, after)
    )
    verdict.require(turns, f"{named}: not the boundary")
    with database.transaction(tenant_id, "trial") as session:
        session.execute(
            text("update tenant set fiscal_start_month = :start"),
            {"start": rhythm.fiscal_start_month},
        )
        new = NewBudget(f"B{number}", "FY2026", Decimal(100), "USD")
        budget = UUID(str(create_budget(session, tenant_id, new, "trial").id))
        rule = Recurrence(rhythm.period_type, rhythm.reset_day, rollover="carry_unspent")
        row: BudgetRecurrence = set_recurrence(session, tenant_id, budget, rule)
        row.next_on = boundary.day

    def ask(day: date) -> str:
        with database.transaction(tenant_id, "trial") as session:
            return reset(session, tenant_id, budget, actor="trial", reason="", day=day)[-1].state

    states = Counter(pool.map(ask, [after] * callers))
    verdict.require(states["done"] == 1 and sum(states.values()) == callers, f"{named}: {states}")
    now = operations.read_account(database, tenant_id, budget)
    verdict.require(
        now.authorized == 200, f"{named}: {now.authorized} after what was left went along"
    )
    verdict.counts["asked"] += callers
    verdict.counts["reset"] += states["done"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--boundaries", type=int, default=400)
    parser.add_argument("--callers", type=int, default=50)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    quietly()
    chosen = boundaries(options.boundaries, random.Random(options.seed))
    verdict = Verdict("12 one reset a period", options.seed)
    with database_only() as stack, ThreadPoolExecutor(options.callers) as pool:
        tenant_id, _ = stack.tenant("Resets")
        for number, boundary in enumerate(chosen):
            one_boundary(stack, tenant_id, number, boundary, pool, options.callers, verdict)
        with stack.database.transaction(tenant_id) as session:
            verdict.require(broken_budgets(session, tenant_id) == [], "counters or chain broken")
            accounts = session.execute(
                text("select count(*), count(distinct budget_id) from budget_account")
            ).one()
    verdict.require(accounts[0] == 2 * len(chosen), f"{accounts[0]} accounts")
    verdict.close(
        boundaries=len(chosen), zones=len({b.zone for b in chosen}),
        leap_days=sum((b.day.month, b.day.day) == (2, 29) for b in chosen),
    )  # fmt: skip


if __name__ == "__main__":
    main()
