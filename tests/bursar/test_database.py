"""Connections: safe roles only, one transaction a tenant, nothing remembered."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from bursar.database import Database
from bursar.errors import Misconfigured
from bursar.tenants import create_tenant
from ops.stack.home import Home
from ops.stack.urls import StackUrls
from tests.conftest import BACKUP_PASSWORD, OTHER_SERVER, MakeBudget


def test_the_application_s_role_is_accepted(database: Database) -> None:
    database.require_safe_role()


def test_a_superuser_is_refused(superuser: psycopg.Connection) -> None:
    info = superuser.info
    url = (
        f"postgresql://{info.user}:{info.password}@/{info.dbname}?host={info.host}&port={info.port}"
    )
    opened = Database(url, 1)
    with pytest.raises(Misconfigured, match="row-level security does"):
        opened.require_safe_role()
    opened.close()


def test_a_role_that_bypasses_the_wall_is_refused(
    database_urls: StackUrls, stack_home: Home
) -> None:
    password = BACKUP_PASSWORD if OTHER_SERVER else stack_home.secret("backup_password")
    host = database_urls.database_url.rpartition("@")[2]
    opened = Database(f"postgresql://bursar_backup:{password}@{host}", 1)
    with pytest.raises(Misconfigured, match="bursar_backup"):
        opened.require_safe_role()
    opened.close()


def test_the_owner_is_refused(database_urls: StackUrls) -> None:
    opened = Database(database_urls.owner_database_url, 1)
    with pytest.raises(Misconfigured, match="bursar_owner"):
        opened.require_safe_role()
    opened.close()


def test_no_address_is_refused() -> None:
    with pytest.raises(Misconfigured, match="BURSAR_DATABASE_URL"):
        Database("", 1)


def test_a_pooled_connection_remembers_no_tenant(
    database: Database, tenant_id: UUID, make_budget: MakeBudget
) -> None:
    make_budget()
    with database.pool.connection() as connection:
        connection.execute("select * from ledger_account(%s, %s)", (tenant_id, uuid4()))
        assert connection.execute("select count(*) from budget").fetchone() == (0,)
    with database.transaction(None) as session:
        assert session.execute(text("select count(*) from budget")).scalar_one() == 0


def test_many_threads_on_few_connections_see_their_own_rows_only(
    database_urls: StackUrls, database: Database
) -> None:
    few = Database(database_urls.database_url, 3)
    tenants = [create_tenant(database, f"Tenant {n}") for n in range(6)]
    start = threading.Barrier(12)

    def look(n: int) -> int:
        start.wait()
        foreign = 0
        for step in range(40):
            tenant = tenants[(n + step) % len(tenants)]
            with suppress(DataError), few.transaction(tenant) as session:
                seen = session.execute(text("select id from tenant")).scalars().all()
                foreign += seen != [tenant]
                if step % 7 == n % 7:
                    session.execute(text("select 1 / 0"))
        return foreign

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(look, range(12))) == 0
    few.close()


def test_a_lost_connection_is_replaced(database: Database, superuser: psycopg.Connection) -> None:
    tenant = create_tenant(database, "Lost")
    kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'bursar_app'"
    superuser.execute(kill)
    superuser.commit()
    with database.transaction(tenant) as session:
        assert session.execute(text("select name from tenant")).scalar_one() == "Lost"
    superuser.execute(kill)
    superuser.commit()
    assert database.call("select 1 as one", ()).one == 1
