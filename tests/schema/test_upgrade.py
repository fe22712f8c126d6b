"""Databases that older code has filled come through the upgrade whole, for every tenant.

Rows, hashes included, are those that the older code wrote. They lie behind the wall and under the
triggers as in any installation: the owner who migrates is no tenant, and the wall shows it nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from alembic import command
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import create_engine, text

from bursar.database import Database
from bursar.ledger import operations
from bursar.proof.reconcile import broken_accounts, reconcile
from bursar.proof.rounds import prove
from bursar.reports.budgets import BudgetReport, budget_report, tenant_reports
from bursar.reports.ranges import Span
from ops.stack.urls import StackUrls
from schema.migrate import behind, config, read_script, run_script, sqlalchemy_url, upgrade
from tests.bursar.period_end.acting import accounts, start_anew

NAME = "bursar_upgraded"
REVISION = "0011"
FILLED = Path(__file__).with_name(f"filled_{REVISION}.sql")
# Of what stood on the tables then, what a migration has to get along with.
AROUND_THEM = (
    "functions/tenancy.sql", "policies/tenant_wall.sql", "triggers/append_only.sql",
    "triggers/hold_care.sql",
)  # fmt: skip
# Whoever wrote the entries had a partition for their month.
MONTH = (
    "create table ledger_entry_2026_11 partition of ledger_entry"
    " for values from ('2026-11-01 00:00+00') to ('2026-12-01 00:00+00')"
)
ACCOUNTS = (
    "select tenant_id, id, budget_id, currency, authorized, reserved, committed, spent, rolled_up,"
    " controllers, entry_seq, head_hash, period_code, follows, closed_at"
    " from budget_account order by tenant_id, id"
)
DAY = date(2026, 1, 1)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Filled:
    """A database of an older revision with two tenants in it, and what its accounts were then."""

    def __init__(self, admin: str, app_url: str, owner_url: str) -> None:
        self.admin = make_conninfo(admin, dbname=NAME)
        self.app_url, self.owner_url = app_url, owner_url
        self._make_tables()
        with psycopg.connect(self.admin) as inside:
            inside.execute(FILLED.read_bytes())
        self.before = self.rows(ACCOUNTS)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What an administrator reads, of all tenants."""
        with psycopg.connect(self.admin) as inside:
            return inside.execute(query.encode()).fetchall()

    def _make_tables(self) -> None:
        with psycopg.connect(self.admin) as inside:
            script = sql.SQL(read_script("bootstrap_database.sql"))
            inside.execute(script.format(database=sql.Identifier(NAME)))
        engine = create_engine(sqlalchemy_url(self.owner_url))
        with engine.begin() as connection:
            run_script(connection, "prelude.sql")
            alembic = config()
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, REVISION)
            connection.execute(text(MONTH))
            for name in AROUND_THEM:
                run_script(connection, name)
        engine.dispose()


@pytest.fixture(scope="module")
def filled(admin_conninfo: str, database_urls: StackUrls) -> Iterator[Filled]:
    """Upgraded to the newest schema. `before` is from before that."""
    there = conninfo_to_dict(database_urls.database_url)["dbname"]
    app_url, owner_url = (
        url.replace(f"/{there}?", f"/{NAME}?")
        for url in (database_urls.database_url, database_urls.owner_database_url)
    )
    with psycopg.connect(admin_conninfo, autocommit=True) as admin:
        admin.execute(f"create database {NAME} template template0 encoding 'UTF8'".encode())
        try:
            made = Filled(admin_conninfo, app_url, owner_url)
            upgrade(owner_url)
            yield made
        finally:
            admin.execute(f"drop database {NAME} with (force)".encode())


@pytest.fixture(scope="module")
def upgraded(filled: Filled) -> Iterator[Database]:
    """The upgraded database as the application role."""
    opened = Database(filled.app_url, 4)
    opened.require_safe_role()
    yield opened
    opened.close()


@pytest.fixture(params=["One", "Two"])
def tenant(request: pytest.FixtureRequest, filled: Filled) -> UUID:
    """Each tenant in turn; both have budgets of the same names and holds of the same references."""
    return UUID(str(dict(filled.rows("select name, id from tenant"))[request.param]))


def budget_of(database: Database, tenant: UUID, department: str) -> UUID:
    with database.transaction(tenant) as session:
        found: UUID = session.execute(
            text("select id from budget where department = :name"), {"name": department}
        ).scalar_one()
        return found


def require_sound(database: Database, tenant: UUID) -> None:
    """Counters are the sums of entries and chains are whole, by each of the ways to ask."""
    with database.transaction(tenant, "test") as session:
        assert broken_accounts(session, tenant) == []
        assert prove(session, tenant) == []
        for department in ("Whole", "Part", "Plain"):
            found = reconcile(
                session, tenant, budget_of(database, tenant, department), whole_chain=True
            )
            assert (found.discrepancy, found.first_bad_seq) == (0, None)


# Before any other, which post entries.
def test_every_account_is_what_it_was(filled: Filled) -> None:
    assert len(filled.before) == 10
    assert filled.rows(ACCOUNTS) == filled.before


def test_every_closed_account_is_among_the_past_ones(filled: Filled) -> None:
    closed = [row for row in filled.before if row[-1] is not None]
    assert len(closed) == 4
    past = "select tenant_id, account_id, budget_id, closed_at from past_account order by 1, 2"
    assert filled.rows(past) == [(row[0], row[1], row[2], row[-1]) for row in closed]


def test_the_schema_is_the_newest(upgraded: Database) -> None:
    with upgraded.engine.connect() as connection:
        assert behind(connection) is None


def test_the_ledger_still_proves(upgraded: Database, tenant: UUID) -> None:
    require_sound(upgraded, tenant)


@pytest.mark.parametrize(("department", "of_all"), [("Whole", 1), ("Part", 2), ("Plain", 2)])
def test_each_budget_has_all_its_periods(
    upgraded: Database, tenant: UUID, department: str, of_all: int
) -> None:
    budget = budget_of(upgraded, tenant, department)
    with upgraded.transaction(tenant) as session:
        found = session.execute(
            text("select * from ledger_reconcile(:tenant, :budget)"),
            {"tenant": tenant, "budget": budget},
        ).all()
    assert len(found) == of_all
    assert all(row.entries > 0 and row.discrepancy == 0 for row in found)


def test_a_report_of_a_past_period_has_its_figures(upgraded: Database, tenant: UUID) -> None:
    budget = budget_of(upgraded, tenant, "Part")
    past, _ = accounts(upgraded, tenant, budget)

    def report(first: datetime, last: datetime) -> BudgetReport:
        span = Span("custom", DAY, DAY, first, last)
        with upgraded.transaction(tenant) as session:
            found = budget_report(session, tenant, budget, span)
            every = {one.budget_id: one for one in tenant_reports(session, tenant, span)}
        assert every[budget] == found
        return found

    old = report(START, past.closed_at)
    assert (old.closing.authorized, old.closing.used, old.closing.spent) == (1000, 130, 100)
    both = report(START, END)
    assert both.by_kind["charge"].amount == 170
    assert both.by_kind["period_end"].delta_authorized == -1000


def test_old_holds_are_used_up_and_new_ones_made(upgraded: Database, tenant: UUID) -> None:
    part, plain = (budget_of(upgraded, tenant, name) for name in ("Part", "Plain"))

    def charge(ref: str, amount: int) -> tuple[str | None, Decimal]:
        answer = operations.charge(upgraded, tenant, ref, Decimal(amount), actor="test")
        return answer.state, answer.spent

    assert charge("part-left-behind", 30) == ("charged", 130)  # in the account of its period
    assert charge("plain-goes-along", 20) == ("committed", 20)
    given_back = operations.release(upgraded, tenant, "plain-in-part", None, actor="test")
    assert (given_back.state, given_back.charged, given_back.released) == ("charged", 25, 35)
    for budget in (part, plain):
        made = operations.reserve(
            upgraded, tenant, budget, Decimal(7), "USD", ref_id=f"new {budget}", actor="test"
        )
        assert made.state == "reserved"
        again = operations.release(upgraded, tenant, f"new {budget}", None, actor="test")
        assert again.available == made.available + 7
    require_sound(upgraded, tenant)


def test_the_next_period_starts_as_ever(upgraded: Database, tenant: UUID) -> None:
    budget = budget_of(upgraded, tenant, "Plain")
    (ending,) = start_anew(upgraded, tenant, budget, day=date(2026, 12, 15))
    assert (ending.state, ending.period_code) == ("done", "2026-11")
    require_sound(upgraded, tenant)
    with upgraded.transaction(tenant) as session:
        found = session.execute(
            text("select count(*) from budget_accounts(:tenant, :budget)"),
            {"tenant": tenant, "budget": budget},
        ).scalar_one()
    assert found == 3
