"""Reports equal what the entries say, for one budget and for all, whatever was known when."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from bursar import errors
from bursar.database import Database
from bursar.reports.budgets import BudgetReport, budget_report, tenant_reports
from bursar.reports.ranges import Calendar, Span, asked, between
from tests.bursar.reports.posting import MOVES, Past
from tests.conftest import MakeBudget

NOW = datetime.now(UTC)
UTC_CALENDAR = Calendar(ZoneInfo("UTC"))
COUNTERS = ("authorized", "reserved", "committed", "spent")


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def report(
    database: Database, tenant: UUID, budget: UUID, span: Span, known: datetime | None = None
) -> BudgetReport:
    with database.transaction(tenant) as session:
        return budget_report(session, tenant, budget, span, known)


def figures(found: BudgetReport) -> dict[str, Any]:
    return {
        "opening": [getattr(found.opening, name) for name in COUNTERS],
        "closing": [getattr(found.closing, name) for name in COUNTERS],
        "by_kind": {k: (m.entries, m.amount) for k, m in found.by_kind.items()},
    }


# The same by the plainest way: all entries, one by one.
def plainly(
    superuser: psycopg.Connection, budget: UUID, span: Span, known: datetime | None
) -> dict[str, Any]:
    opening, closing = dict.fromkeys(COUNTERS, Decimal(0)), dict.fromkeys(COUNTERS, Decimal(0))
    kinds: dict[str, tuple[int, Decimal]] = {}
    with superuser.cursor(row_factory=psycopg.rows.namedtuple_row) as cursor:
        for entry in cursor.execute(
            "select e.* from ledger_entry e join budget_account a on a.id = e.account_id"
            " and a.budget_id = %s", (budget,),
        ):  # fmt: skip
            if known is not None and entry.recorded_at >= known:
                continue
            for counters, end in ((opening, span.starts_at), (closing, span.ends_at)):
                if entry.effective_at >= end:
                    continue
                for name, bucket in (("authorized", "external"), *((c, c) for c in COUNTERS[1:])):
                    sign = (entry.to_bucket == bucket) - (entry.from_bucket == bucket)
                    counters[name] += entry.amount * (-sign if bucket == "external" else sign)
            if span.starts_at <= entry.effective_at < span.ends_at:
                many, amount = kinds.get(entry.kind, (0, Decimal(0)))
                kinds[entry.kind] = (many + 1, amount + entry.amount)
    return {
        "opening": list(opening.values()), "closing": list(closing.values()), "by_kind": kinds,
    }  # fmt: skip


def test_a_report_says_opening_movement_and_closing(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("1000")
    past.backdate(budget, days_ago(40))
    past.post(budget, "reserve", "300", days_ago(20))
    past.post(budget, "charge", "100", days_ago(10))
    past.post(budget, "reserve", "50", days_ago(1))
    span = between(UTC_CALENDAR, days_ago(25).date(), days_ago(5).date())
    found = report(database, tenant_id, budget, span)
    assert (found.opening.authorized, found.opening.used) == (1000, 0)
    assert (found.closing.reserved, found.closing.spent, found.closing.available) == (200, 100, 700)
    assert found.utilization_percent == 30
    assert found.entries == 2
    assert found.by_kind["reserve"].delta_used == 300
    assert (found.by_kind["charge"].amount, found.by_kind["charge"].delta_used) == (100, 0)


def test_an_entry_on_the_border_is_in_one_span_only(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("1000")
    past.backdate(budget, days_ago(40))
    border = datetime.combine(days_ago(10).date(), datetime.min.time(), UTC)
    past.post(budget, "reserve", "10", border - timedelta(microseconds=1))
    past.post(budget, "reserve", "20", border)
    before = between(UTC_CALENDAR, days_ago(11).date(), days_ago(11).date())
    after = between(UTC_CALENDAR, days_ago(10).date(), days_ago(10).date())
    one, other = (report(database, tenant_id, budget, span) for span in (before, after))
    assert (one.by_kind["reserve"].amount, other.by_kind["reserve"].amount) == (10, 20)
    assert one.closing == other.opening


def test_any_report_equals_what_the_entries_say(
    database: Database,
    tenant_id: UUID,
    make_budget: MakeBudget,
    past: Past,
    superuser: psycopg.Connection,
) -> None:
    draw = random.Random(20)
    budgets = [make_budget("5000", department=f"D{n}") for n in range(4)]
    for budget in budgets:
        past.backdate(budget, days_ago(60))
        for step in range(60):
            recorded = days_ago(59 - step * 0.9)
            late = timedelta(days=draw.choice((0, 0, 0, 1, 20)))
            kind = draw.choice([k for k in MOVES if k not in {"commit", "release", "charge"}])
            amount = str(draw.randint(1, 9999) / Decimal(100))
            past.post(budget, kind, amount, recorded, recorded - late)
    for _ in range(40):
        first = days_ago(draw.randint(0, 65)).date()
        span = between(UTC_CALENDAR, first, first + timedelta(days=draw.randint(0, 30)))
        known = draw.choice((None, days_ago(draw.uniform(0, 65))))
        with database.transaction(tenant_id) as session:
            every = {r.budget_id: r for r in tenant_reports(session, tenant_id, span, known)}
        assert set(every) == set(budgets)
        for budget in budgets:
            plain = plainly(superuser, budget, span, known)
            assert figures(every[budget]) == plain
            assert figures(report(database, tenant_id, budget, span, known)) == plain


def test_what_is_backdated_changes_the_report_of_today_and_not_the_one_of_then(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, past: Past
) -> None:
    budget = make_budget("1000")
    past.backdate(budget, days_ago(40))
    past.post(budget, "reserve", "100", days_ago(20))
    span = asked(UTC_CALENDAR, NOW, first=days_ago(30).date(), as_of=days_ago(10).date())
    then = days_ago(5)
    before = report(database, tenant_id, budget, span, then)
    past.post(budget, "reserve", "40", days_ago(1), days_ago(15))
    assert report(database, tenant_id, budget, span, then) == before
    now = report(database, tenant_id, budget, span)
    assert (before.closing.reserved, now.closing.reserved) == (100, 140)
    # Effective on D and before, and on no day before D.
    earlier = asked(UTC_CALENDAR, NOW, first=days_ago(30).date(), as_of=days_ago(16))
    assert report(database, tenant_id, budget, earlier).closing.reserved == 100


def test_a_span_before_everything_is_empty_and_one_after_is_still(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    early = report(database, tenant_id, budget, between(UTC_CALENDAR, *[date(1999, 1, 1)] * 2))
    assert (early.closing.authorized, early.utilization_percent, early.by_kind) == (0, None, {})
    late = report(database, tenant_id, budget, between(UTC_CALENDAR, *[date(2998, 1, 1)] * 2))
    assert (late.opening.authorized, late.closing.authorized, late.entries) == (1000, 1000, 0)


def test_a_budget_that_is_not_there_has_no_report(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    span = asked(UTC_CALENDAR, NOW)
    with pytest.raises(errors.NotFound):
        report(database, tenant_id, uuid4(), span)
    with pytest.raises(errors.NotFound):
        report(database, uuid4(), make_budget("1"), span)


def test_leaving_off_in_the_middle_leaves_the_connection_usable(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    for n in range(3):
        make_budget("1", department=f"D{n}")
    span = asked(UTC_CALENDAR, NOW)
    for _ in range(25):  # more often than there are connections
        with database.transaction(tenant_id) as session:
            reading = tenant_reports(session, tenant_id, span)
            assert next(reading).opening.authorized == 0
            reading.close()
            assert len(list(tenant_reports(session, tenant_id, span))) == 3
