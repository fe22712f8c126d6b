"""Roles and the empty database, on a real server."""

from __future__ import annotations

import psycopg
import pytest

from ops.stack import postgres
from ops.stack.home import Home
from ops.stack.migrations import bootstrap_embedded
from ops.stack.urls import StackUrls, database_url


def test_the_application_role_is_safe_and_owns_nothing(database_urls: StackUrls) -> None:
    with psycopg.connect(database_urls.database_url) as connection:
        role = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname = current_user"
        ).fetchone()
        assert role == (False, False, False, False)
        owned = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole"
        ).fetchone()
        assert owned == (0,)


def test_the_application_role_makes_temporary_tables_only(database_urls: StackUrls) -> None:
    with psycopg.connect(database_urls.database_url) as connection:
        connection.execute("CREATE TEMPORARY TABLE staging (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (n int)")


def test_the_owner_hands_a_function_to_the_system_role(database_urls: StackUrls) -> None:
    with psycopg.connect(database_urls.owner_database_url) as connection:
        connection.execute("CREATE FUNCTION handed() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute("ALTER FUNCTION handed() OWNER TO bursar_system")
        # A later migration replaces it without ceremony.
        connection.execute(
            "CREATE OR REPLACE FUNCTION handed() RETURNS int LANGUAGE sql AS 'SELECT 2'"
        )
        owner = connection.execute(
            "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'handed'"
        ).fetchone()
        assert owner == ("bursar_system",)
        connection.rollback()


def test_bootstrap_again_changes_nothing_and_time_is_utc(
    stack_home: Home, database_urls: StackUrls
) -> None:
    bootstrap_embedded(stack_home)
    with psycopg.connect(database_urls.database_url) as connection:
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_the_backup_role_reads_and_never_writes(stack_home: Home, database_urls: StackUrls) -> None:
    url = database_url(stack_home, "bursar_backup", stack_home.secret("backup_password"))
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("CREATE TABLE public.mine (n int)")


def test_an_unsafe_application_role_is_refused(stack_home: Home, database_urls: StackUrls) -> None:
    with psycopg.connect(postgres.admin_conninfo(stack_home), autocommit=True) as admin:
        admin.execute("ALTER ROLE bursar_app BYPASSRLS")
        try:
            with pytest.raises(psycopg.errors.RaiseException, match="row level security"):
                bootstrap_embedded(stack_home)
        finally:
            admin.execute("ALTER ROLE bursar_app NOBYPASSRLS")
