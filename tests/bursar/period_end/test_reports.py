"""Reports over budgets that started anew: each period by itself, and all of them together."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from sqlalchemy import text

from bursar.database import Database
from bursar.ledger import operations as ledger
from bursar.period_end.resets import reset
from bursar.reports.budgets import BudgetReport, budget_report, tenant_reports
from bursar.reports.ranges import Span
from tests.conftest import MakeBudget

EVER = datetime(2000, 1, 1, tzinfo=UTC)
DAY = date(2026, 1, 1)


def now(database: Database) -> datetime:
    with database.transaction(None) as session:
        moment: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
        return moment


def report(
    database: Database, tenant: UUID, budget: UUID, first: datetime, last: datetime,
    known: datetime | None = None,
) -> BudgetReport:  # fmt: skip
    span = Span("custom", DAY, DAY, first, last)
    with database.transaction(tenant) as session:
        found = budget_report(session, tenant, budget, span, known)
        (again,) = tenant_reports(session, tenant, span, known)
    assert found == again
    used = sum((moved.delta_used for moved in found.by_kind.values()), Decimal(0))
    authorized = sum((moved.delta_authorized for moved in found.by_kind.values()), Decimal(0))
    assert found.opening.used + used == found.closing.used
    assert found.opening.authorized + authorized == found.closing.authorized
    return found


def test_each_period_keeps_its_own_figures(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    late = uuid4().hex
    for amount, ref in (("300", uuid4().hex), ("50", late)):
        ledger.reserve(database, tenant_id, budget, Decimal(amount), "USD", ref_id=ref, actor="t")
    ledger.spend(database, tenant_id, budget, Decimal(200), "USD", ref_id=uuid4().hex, actor="t")
    first_end = now(database)
    with database.transaction(tenant_id, "test") as session:
        reset(session, tenant_id, budget, actor="test", reason="", rollover="carry_unspent")
    second_start = now(database)
    ledger.spend(database, tenant_id, budget, Decimal(70), "USD", ref_id=uuid4().hex, actor="t")
    ledger.release(database, tenant_id, late, None, actor="t")
    end = now(database)

    old = report(database, tenant_id, budget, EVER, first_end)
    assert (old.closing.authorized, old.closing.used, old.closing.spent) == (1000, 550, 200)
    assert "period_end" not in old.by_kind

    new = report(database, tenant_id, budget, second_start, end)
    assert (new.opening.authorized, new.opening.used) == (1450, 0)
    assert (new.closing.authorized, new.closing.used) == (1450, 70)
    # What came late for the period before is told, and leaves with it.
    assert new.by_kind["release"].delta_used == -50
    assert new.by_kind["period_end"].delta_used == 50

    both = report(database, tenant_id, budget, EVER, end)
    assert (both.opening.authorized, both.closing.authorized, both.closing.used) == (0, 1450, 70)
    assert both.by_kind["charge"].amount == 270
    assert both.by_kind["period_end"].delta_authorized == -550  # 1000 without what went along

    as_known = report(database, tenant_id, budget, EVER, end, known=first_end)
    assert (as_known.closing.authorized, as_known.closing.used) == (1000, 550)


MOVES = {
    "fund": ("external", "available"),
    "adjust": ("available", "external"),
    "charge": ("available", "spent"),
    "reserve": ("available", "reserved"),
    "refund": ("spent", "available"),
}
POST = """
with counted as (
  update budget_account set
    authorized = authorized + %(a)s * ((%(f)s = 'external')::int - (%(t)s = 'external')::int),
    reserved = reserved + %(a)s * (%(t)s = 'reserved')::int,
    spent = spent + %(a)s * ((%(t)s = 'spent')::int - (%(f)s = 'spent')::int),
    entry_seq = entry_seq + 1
   where id = %(account)s
  returning tenant_id, id, entry_seq
)
insert into ledger_entry (tenant_id, account_id, seq, recorded_at, effective_at, kind, from_bucket,
                          to_bucket, amount, ref_type, ref_id, actor, hash)
select tenant_id, id, entry_seq, %(recorded)s, %(effective)s, %(kind)s, %(f)s, %(t)s, %(a)s,
       'test', entry_seq::text, 'test', '' from counted
"""


@pytest.mark.parametrize("seed", range(3))
def test_over_random_periods_they_equal_what_the_entries_say(
    database: Database, tenant_id: UUID, make_budget: MakeBudget, superuser: psycopg.Connection,
    seed: int,
) -> None:  # fmt: skip
    chance, today = random.Random(seed), now(database)
    budget = make_budget("1000")
    for day in range(1, 4):
        with database.transaction(tenant_id, "test") as session:
            reset(session, tenant_id, budget, actor="t", reason="", day=date(2101, 1, day))
    accounts = superuser.execute(
        "select id from budget_account where budget_id = %s order by opened_at nulls first",
        [budget],
    ).fetchall()
    turns = [today - timedelta(days=days) for days in (30, 20, 10)]
    for n, (account,) in enumerate(accounts):
        opened, closed = (None, *turns)[n], (*turns, None)[n]
        superuser.execute(
            "update budget_account set opened_at = %s, closed_at = %s where id = %s",
            [opened, closed, account],
        )
        superuser.execute(
            "update past_account set closed_at = %s where account_id = %s", [closed, account]
        )
        start = opened or today - timedelta(days=40)
        for _ in range(25):  # those of a closed account come late, now and then dated back
            recorded = start + (today - start) * chance.random()
            effective = chance.choice((recorded, start + (recorded - start) * chance.random()))
            kind = chance.choice(list(MOVES))
            superuser.execute(POST, {
                "account": account, "recorded": recorded, "effective": effective, "kind": kind,
                "f": MOVES[kind][0], "t": MOVES[kind][1], "a": chance.randrange(1, 100),
            })  # fmt: skip
    superuser.commit()
    with superuser.cursor(row_factory=namedtuple_row) as cursor:
        entries = cursor.execute(
            "select e.*, a.closed_at from ledger_entry e join budget_account a"
            " on a.tenant_id = e.tenant_id and a.id = e.account_id where a.budget_id = %s",
            [budget],
        ).fetchall()

    def stood(moment: datetime, known: datetime) -> dict[str, Decimal]:
        sums = dict.fromkeys(("authorized", "reserved", "spent"), Decimal(0))
        names = {"external": "authorized", "reserved": "reserved", "spent": "spent"}
        for one in entries:
            over = one.closed_at is not None and one.closed_at < min(moment, known)
            if one.recorded_at >= known or one.effective_at >= moment or over:
                continue
            for bucket, sign in ((one.to_bucket, 1), (one.from_bucket, -1)):
                if bucket in names:
                    sums[names[bucket]] += one.amount * (-sign if bucket == "external" else sign)
        return sums

    for _ in range(25):
        first, last = sorted(today - timedelta(days=45) * chance.random() for _ in range(2))
        known = chance.choice((None, today - timedelta(days=45) * chance.random()))
        found = report(database, tenant_id, budget, first, last, known)
        until = known or today + timedelta(days=1)
        for counters, moment in ((found.opening, first), (found.closing, last)):
            expected = stood(moment, until)
            assert {name: getattr(counters, name) for name in expected} == expected
        inside = Counter(
            one.kind for one in entries
            if first <= one.effective_at < last and one.recorded_at < until
        )  # fmt: skip
        counted = {k: m.entries for k, m in found.by_kind.items() if k != "period_end"}
        assert counted == inside
