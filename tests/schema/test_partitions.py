"""The ledger is kept by month, and the months ahead are there before anybody posts in them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from bursar.database import Database
from tests.conftest import MakeBudget


def months(database: Database) -> set[str]:
    with database.transaction(None) as session:
        return set(
            session.execute(
                text(
                    "select inhrelid::regclass::text from pg_inherits"
                    " where inhparent = 'ledger_entry'::regclass"
                )
            ).scalars()
        )


def name_of(ahead: int) -> str:
    now = datetime.now(UTC)
    years, month0 = divmod(now.month - 1 + ahead, 12)
    return f"ledger_entry_{now.year + years}_{month0 + 1:02d}"


def ensure(database: Database, ahead: int = 3) -> int:
    with database.transaction(None) as session:
        made: int = session.execute(
            text("select ensure_ledger_partitions(:ahead)"), {"ahead": ahead}
        ).scalar_one()
        return made


def test_three_months_ahead_are_made_once(database: Database) -> None:
    ensure(database)
    assert {name_of(n) for n in range(4)} <= months(database)
    assert ensure(database) == 0


def test_a_new_month_is_behind_the_wall_and_only_grows(
    database: Database, superuser: psycopg.Connection
) -> None:
    ensure(database, 7)
    part = name_of(7)
    row = superuser.execute(
        "select relrowsecurity and relforcerowsecurity,"
        " has_table_privilege('bursar_app', oid, 'select'),"
        " has_table_privilege('bursar_app', oid, 'insert')"
        " from pg_class where relname = %s", (part,),
    ).fetchone()  # fmt: skip
    assert row == (True, False, False)
    for statement in (f"delete from {part}", f"truncate {part}"):
        with pytest.raises(psycopg.Error, match=r"append|grow|never"):
            superuser.execute(statement.encode())
        superuser.rollback()


def test_entries_lie_in_their_month(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    ensure(database)
    budget = make_budget("10")
    with database.transaction(tenant_id) as session:
        place = session.execute(
            text("select tableoid::regclass::text from ledger_entry where account_id = :b"),
            {"b": budget},
        ).scalar_one()
    assert place == name_of(0)
