"""What is written of money and of who did what is never changed, whoever asks in SQL."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ops.stack.urls import StackUrls

ADDED_TO_ONLY = {
    "ledger_entry", "audit_log", "ledger_repair", "ledger_acknowledgement", "ledger_seal",
    "ledger_seal_head",
}  # fmt: skip
CHANGES = ("update {} set tenant_id = tenant_id", "delete from {}", "truncate {}")
# What a trigger could be switched off or got around with.
WAYS_AROUND = (
    "alter table {} disable trigger all",
    "alter table {} disable trigger append_only",
    "drop trigger append_only on {}",
    "alter table {} disable row level security",
    "alter table {} no force row level security",
    "alter table {} owner to bursar_app",
    "create rule quietly as on insert to {} do instead nothing",
    "drop table {}",
)
WITH_PARTITIONS = """
    select c.oid::regclass::text from pg_class c
      left join pg_inherits i on i.inhrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and coalesce(i.inhparent, c.oid)::regclass::text = any(%s)
"""
GUARDED = """
    select distinct coalesce(i.inhparent, t.tgrelid)::regclass::text from pg_trigger t
      left join pg_inherits i on i.inhrelid = t.tgrelid
     where t.tgname = 'append_only' and t.tgenabled = 'O'
"""


@pytest.fixture
def tables(owner: psycopg.Connection) -> list[str]:
    """All that are only added to, with every partition."""
    found = [row[0] for row in owner.execute(WITH_PARTITIONS, (list(ADDED_TO_ONLY),))]
    assert set(found) > ADDED_TO_ONLY
    return found


@pytest.fixture
def application(database_urls: StackUrls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_urls.database_url, autocommit=True) as connection:
        yield connection


def test_these_are_the_tables_that_are_guarded(owner: psycopg.Connection) -> None:
    assert {row[0] for row in owner.execute(GUARDED)} == ADDED_TO_ONLY


@pytest.mark.parametrize("statement", [*CHANGES, *WAYS_AROUND])
def test_the_application_changes_nothing_that_is_only_added_to(
    application: psycopg.Connection, tables: list[str], statement: str
) -> None:
    for table in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(statement.format(table))


@pytest.mark.parametrize("statement", CHANGES)
def test_nor_does_the_owner(owner: psycopg.Connection, tables: list[str], statement: str) -> None:
    for table in tables:
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(statement.format(table))
        owner.rollback()


@pytest.mark.parametrize("setting", ["session_replication_role = replica", "role bursar_ledger",
                                     "role bursar_audit", "role bursar_owner",
                                     "session authorization bursar_owner"])  # fmt: skip
def test_no_setting_lets_the_application_past_the_guards(
    application: psycopg.Connection, setting: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute(f"set {setting}")


def test_without_row_security_the_application_reads_nothing(
    application: psycopg.Connection,
) -> None:
    application.execute("set row_security = off")  # which everybody may say
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("select count(*) from ledger_entry")


def test_nor_the_owner_past_the_triggers(owner: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("set session_replication_role = replica")


def test_the_application_writes_no_entry_by_itself(application: psycopg.Connection) -> None:
    for table in ("ledger_entry", "audit_log", "ledger_repair", "ledger_acknowledgement"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(f"insert into {table} default values")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(f"copy {table} from stdin")
