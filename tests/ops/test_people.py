"""Members and keys from the shell, on the database of the tests."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from bursar.config import Settings
from bursar.database import Database
from bursar.errors import Unauthenticated
from bursar.keys import list_keys, withdraw_key
from bursar.tenants import create_tenant, find_key, log_in
from ops.cli.client import _shell_key
from ops.stack.home import open_home
from ops.stack.urls import StackUrls
from tests.ops.test_cli import bursar


@pytest.fixture
def shell(database: Database, database_urls: StackUrls) -> tuple[str, dict[str, str]]:
    """A tenant of its own, and what a shell needs to reach it."""
    tenant_id = create_tenant(database, "Shell")
    return f"--tenant={tenant_id}", {"BURSAR_DATABASE_URL": database_urls.database_url}


def test_a_key_is_made_listed_and_withdrawn(
    database: Database, shell: tuple[str, dict[str, str]]
) -> None:
    tenant, where = shell
    made = bursar("keys", "create", tenant, "--name=Till", "--days=30", "--json", **where)
    key = json.loads(made.stdout)
    assert find_key(database, key["key"]).role == "service"
    (listed,) = json.loads(bursar("keys", "list", tenant, "--json", **where).stdout)
    assert (listed["id"], listed["name"], listed["state"]) == (key["id"], "Till", "active")
    assert key["key"] not in str(listed)
    done = bursar("keys", "withdraw", key["id"], tenant, **where)
    assert (done.returncode, done.stderr) == (0, "the key is withdrawn\n")
    with pytest.raises(Unauthenticated):
        find_key(database, key["key"])
    assert "withdrawn" in bursar("keys", "list", tenant, **where).stdout
    unknown = bursar("keys", "withdraw", str(uuid4()), tenant, **where)
    assert (unknown.returncode, unknown.stderr) == (1, "error: There is no such key.\n")


def test_a_shell_whose_key_was_withdrawn_makes_another(
    database: Database, database_urls: StackUrls, tmp_path: Path
) -> None:
    tenant_id = create_tenant(database, "Shell")
    home = open_home(tmp_path)
    assert home is not None
    chosen = Settings(database_url=database_urls.database_url)
    first = _shell_key(home, chosen, str(tenant_id))
    assert _shell_key(home, chosen, str(tenant_id)) == first
    with database.transaction(tenant_id, "test") as session:
        withdraw_key(session, list_keys(session).rows[0].id)
    second = _shell_key(home, chosen, str(tenant_id))
    assert second != first
    assert find_key(database, second).role == "admin"


def test_a_member_is_made_given_a_role_and_taken_out(
    database: Database, shell: tuple[str, dict[str, str]]
) -> None:
    tenant, where = shell
    boss, ana = f"{uuid4().hex}@shell.example", f"{uuid4().hex}@shell.example"
    where["BURSAR_MEMBER_PASSWORD"] = password = "correct horse battery"
    for email, role in ((boss, "admin"), (ana, "fpa")):
        assert bursar("members", "create", email, tenant, f"--role={role}", **where).returncode == 0
    assert bursar("members", "role", ana, "approver", tenant, **where).returncode == 0
    assert log_in(database, ana, password).role == "approver"
    last = bursar("members", "role", boss, "fpa", tenant, **where)
    assert (last.returncode, "without an administrator" in last.stderr) == (1, True)
    assert bursar("members", "deactivate", ana, tenant, **where).returncode == 0
    with pytest.raises(Unauthenticated):
        log_in(database, ana, password)
    assert ana not in bursar("members", "list", tenant, **where).stdout
    assert ana in bursar("members", "list", tenant, "--gone", **where).stdout
    nobody = bursar("members", "deactivate", "no@body.example", tenant, **where)
    assert (nobody.returncode, "No member has" in nobody.stderr) == (1, True)


def test_a_lost_password_is_reset(database: Database, shell: tuple[str, dict[str, str]]) -> None:
    tenant, where = shell
    ana, lost = f"{uuid4().hex}@shell.example", "correct horse battery"
    made = bursar(
        "members", "create", ana, tenant, "--role=admin", BURSAR_MEMBER_PASSWORD=lost, **where
    )
    assert made.returncode == 0
    done = bursar("members", "reset-password", ana, tenant, **where)
    assert (done.returncode, log_in(database, ana, done.stdout.strip()).role) == (0, "admin")
    with pytest.raises(Unauthenticated):
        log_in(database, ana, lost)
    unknown = bursar("members", "reset-password", "nobody@shell.example", tenant, **where)
    assert (unknown.returncode, "No member has" in unknown.stderr) == (1, True)
