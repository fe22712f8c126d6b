"""The catalogue holds every tenant table, present and future, to the same rules."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from ops.stack.urls import StackUrls
from schema.migrate import behind, sqlalchemy_url, upgrade
from schema.tables import Base

# Tables of the installation rather than of a tenant; anything else needs a tenant_id.
WITHOUT_TENANT = {
    "alembic_version", "app_user", "currency", "heartbeat", "schedule", "schedule_run",
    "schema_scripts", "signing_key", "tenant",
}  # fmt: skip

UNWALLED = """
    select c.relname from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and c.relname <> all(%s)
       and not (c.relrowsecurity and c.relforcerowsecurity
                and exists (select from pg_attribute a where a.attrelid = c.oid
                              and a.attname = 'tenant_id' and a.attnotnull)
                and exists (select from pg_policy p where p.polrelid = c.oid
                              and p.polcmd = '*' and p.polroles = '{0}'
                              and pg_get_expr(p.polqual, c.oid) like '%%bursar.tenant%%'
                              and pg_get_expr(p.polwithcheck, c.oid) like '%%bursar.tenant%%'))
"""
WITHOUT_LEADING_TENANT = """
    select c.relname, i.indexrelid::regclass::text from pg_index i
      join pg_class c on c.oid = i.indrelid
     where c.relnamespace = 'public'::regnamespace and c.relname <> all(%s)
       and (select a.attname from pg_attribute a
             where a.attrelid = c.oid and a.attnum = i.indkey[0]) is distinct from 'tenant_id'
"""
OWNED_BY_TABLES = "select relname from pg_class where relowner = 'bursar_app'::regrole"
FOREIGN_KEYS = """
    select conrelid::regclass::text, conname from pg_constraint
     where contype = 'f' and connamespace = 'public'::regnamespace and confdeltype not in ('r', 'a')
"""
FLOATS = """
    select c.relname, a.attname from pg_attribute a
      join pg_class c on c.oid = a.attrelid and c.relnamespace = 'public'::regnamespace
     where a.atttypid in ('float4'::regtype, 'float8'::regtype, 'money'::regtype)
       and not a.attisdropped
"""


def unwalled(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute(UNWALLED, (list(WITHOUT_TENANT),))]


def test_every_tenant_table_is_behind_the_wall(owner: psycopg.Connection) -> None:
    assert unwalled(owner) == []


def test_a_table_without_a_policy_is_found(owner: psycopg.Connection) -> None:
    owner.execute("create table forgotten (tenant_id uuid not null, id uuid)")
    owner.execute("create table unprotected (id int)")
    assert set(unwalled(owner)) == {"forgotten", "unprotected"}


def test_a_policy_that_admits_everybody_is_found(owner: psycopg.Connection) -> None:
    owner.execute(
        "create table open_house (tenant_id uuid not null);"
        "alter table open_house enable row level security;"
        "alter table open_house force row level security;"
        "create policy wide on open_house using (true) with check (true)"
    )
    assert unwalled(owner) == ["open_house"]


def test_keys_and_indexes_lead_with_the_tenant(owner: psycopg.Connection) -> None:
    found = list(owner.execute(WITHOUT_LEADING_TENANT, (list(WITHOUT_TENANT),)))
    # What is due is looked for in all tenants at once; what is old is found by its age alone.
    assert sorted(found) == [
        ("action_idempotency", "ix_action_idempotency_age"), ("source", "ix_source_due"),
    ]  # fmt: skip


def test_no_plan_rests_on_how_many_rows_a_tenant_had(owner: psycopg.Connection) -> None:
    guessing = owner.execute(
        "select attrelid::regclass::text from pg_attribute join pg_class c on c.oid = attrelid"
        " where attname = 'tenant_id' and attstattarget is distinct from 0"
        " and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
    ).fetchall()
    assert guessing == []


def test_the_application_owns_nothing(owner: psycopg.Connection) -> None:
    assert list(owner.execute(OWNED_BY_TABLES)) == []


def test_financial_rows_protect_what_they_point_to(owner: psycopg.Connection) -> None:
    assert list(owner.execute(FOREIGN_KEYS)) == []


def test_no_column_holds_money_as_a_float(owner: psycopg.Connection) -> None:
    assert list(owner.execute(FLOATS)) == []


def test_views_look_with_the_reader_s_eyes(owner: psycopg.Connection) -> None:
    views = owner.execute(
        "select relname, coalesce(reloptions, '{}') from pg_class"
        " where relkind = 'v' and relnamespace = 'public'::regnamespace"
    ).fetchall()
    assert views
    assert [name for name, options in views if "security_invoker=true" not in options] == []


def test_definer_functions_are_few_and_named(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "select p.proname, r.rolname, r.rolsuper, r.rolbypassrls from pg_proc p"
        " join pg_roles r on r.oid = p.proowner"
        " where p.prosecdef and p.pronamespace = 'public'::regnamespace"
    ).fetchall()
    assert {name for name, *_ in rows if not name.startswith("ledger_")} == {
        "audit_control",
        "audit_inserts", "audit_job", "audit_tenant", "audit_updates",
        "ensure_ledger_partitions", "ensure_user",
        "import_refresh_statistics", "job_totals", "login_candidates", "member_standing",
        "own_password", "proof_totals", "ring_due_jobs", "set_password",
        "sources_due", "tenant_members", "tenant_names", "tenants_with_due",
    }  # fmt: skip
    assert not any(is_super or bypasses for *_, is_super, bypasses in rows)


def test_the_models_equal_the_migrated_schema(database_urls: StackUrls) -> None:
    engine = create_engine(sqlalchemy_url(database_urls.owner_database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _: (
                    not (kind == "table" and name.startswith(("ledger_entry_", "schema_scripts")))
                ),
            },
        )
        assert compare_metadata(context, Base.metadata) == []
        assert behind(connection) is None
    engine.dispose()


def test_a_second_upgrade_changes_nothing(
    database_urls: StackUrls, owner: psycopg.Connection
) -> None:
    count = "select count(*), max(oid::bigint) from pg_proc"
    before = owner.execute(count).fetchone()
    owner.rollback()
    upgrade(database_urls.owner_database_url)
    assert owner.execute(count).fetchone() == before


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_entry set amount = 1",
        "delete from ledger_entry",
        "truncate ledger_entry",
        "insert into ledger_entry (tenant_id, account_id, seq, kind, from_bucket, to_bucket,"
        " amount, actor, hash) values (uuid_v7(), uuid_v7(), 1, 'fund', 'external', 'available',"
        " 1, 'x', '')",
        "update audit_log set actor = 'x'",
        "delete from audit_log",
        "insert into audit_log (tenant_id, actor, action, object_type)"
        " values (uuid_v7(), 'x', 'x', 'x')",
        "update budget_account set spent = 0",
        "update budget_account set authorized = 1000000",
        "alter table ledger_entry disable trigger all",
        "drop trigger append_only on ledger_entry",
        "set session_replication_role = replica",
        "select * from app_user",
        "set role bursar_owner",
        "create table mine (id int)",
        "create temporary table t (id int); select ledger_append(null, 'fund', 'external',"
        " 'available', 1, null, null, 'x', null)",
    ],
)
def test_the_application_may_not(statement: str, database_urls: StackUrls) -> None:
    with (
        psycopg.connect(database_urls.database_url) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.NotNullViolation)),
    ):
        connection.execute(statement)


def test_months_ahead_have_partitions(owner: psycopg.Connection) -> None:
    row = owner.execute(
        "select count(*) from pg_inherits where inhparent = 'ledger_entry'::regclass"
    ).fetchone()
    assert row is not None
    assert row[0] >= 5
