"""The commands of the stack, as a shell sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.stack.account import service_account
from ops.stack.home import Home
from ops.stack.urls import StackUrls, database_url

ROOT = Path(__file__).parents[2]


def bursar(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this machine's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR_")}
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_wrong_command_is_a_usage_error() -> None:
    done = bursar("upwards")
    assert (done.returncode, done.stdout) == (2, "")


def test_status_of_nothing_is_an_answer_and_makes_nothing(tmp_path: Path) -> None:
    done = bursar("status", "--json", BURSAR_HOME=str(tmp_path / "none"))
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["state"], told["web_url"], told["processes"]) == ("stopped", None, [])
    assert not (tmp_path / "none").exists()


def test_down_with_nothing_up_is_no_error(tmp_path: Path) -> None:
    done = bursar("down", BURSAR_HOME=str(tmp_path / "none"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing was running\n")


def test_a_missing_log_says_which_there_are(stack_home: Home) -> None:
    done = bursar("logs", "nobody", BURSAR_HOME=str(stack_home.path))
    assert done.returncode == 1
    assert "there is postgres, valkey" in done.stderr


def test_logs_prints_the_end_of_a_log(stack_home: Home) -> None:
    stack_home.log("example").write_text("".join(f"line {n}\n" for n in range(500)))
    done = bursar("logs", "example", "--lines=2", BURSAR_HOME=str(stack_home.path))
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["line 498", "line 499"]


def test_doctor_finds_a_sound_stack_sound(stack_home: Home, database_urls: StackUrls) -> None:
    done = bursar("doctor", "--json", BURSAR_HOME=str(stack_home.path), BURSAR_PORT="0")
    findings = {one["name"]: one for one in json.loads(done.stdout)}
    assert [one for one in findings.values() if not one["ok"]] == []
    assert findings["role"]["detail"] == "bursar_app"
    assert done.returncode == 0


def test_doctor_refuses_a_role_that_passes_row_level_security(
    stack_home: Home, database_urls: StackUrls
) -> None:
    url = database_url(stack_home, "bursar_backup", stack_home.secret("backup_password"))
    done = bursar(
        "doctor", BURSAR_HOME=str(stack_home.path), BURSAR_PORT="0", BURSAR_DATABASE_URL=url
    )
    assert done.returncode == 1
    assert "bursar_backup is a role with BYPASSRLS" in done.stdout


def test_migrate_again_does_no_harm(stack_home: Home, database_urls: StackUrls) -> None:
    done = bursar("migrate", BURSAR_HOME=str(stack_home.path))
    assert (done.returncode, done.stderr) == (0, "the schema is up to date\n")


def test_bootstrap_makes_a_second_database(stack_home: Home, database_urls: StackUrls) -> None:
    admin = database_url(stack_home, "bursar_admin", stack_home.secret("admin_password"))
    done = bursar(
        "bootstrap",
        "--database=another",
        f"--admin-url={admin}",
        BURSAR_OWNER_PASSWORD=stack_home.secret("owner_password"),
        BURSAR_APP_PASSWORD=stack_home.secret("app_password"),
        BURSAR_BACKUP_PASSWORD=stack_home.secret("backup_password"),
    )
    assert done.returncode == 0, done.stderr
    owner = database_url(stack_home, "bursar_owner", stack_home.secret("owner_password"), "another")
    done = bursar("migrate", BURSAR_DATABASE_URL=owner, BURSAR_OWNER_DATABASE_URL=owner)
    assert done.returncode == 0, done.stderr


def test_bootstrap_says_what_it_lacks() -> None:
    done = bursar("bootstrap", "--admin-url=postgresql://x", BURSAR_OWNER_PASSWORD="x")
    assert done.returncode == 1
    assert "BURSAR_APP_PASSWORD, BURSAR_BACKUP_PASSWORD" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes its account")
def test_root_uses_the_home_of_a_user_as_that_user(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    assert service_account(tmp_path).uid == 65534


def test_reading_a_file_loads_neither_database_nor_web(tmp_path: Path) -> None:
    table = tmp_path / "budget.csv"
    table.write_text("Department,Year,Budget\nParks,2025,100\nRoads,2025,200\n")
    script = (
        "import sys; from ops.cli import main\n"
        f"sys.argv = ['bursar', 'analyze', {str(table)!r}, '--json']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'psycopg', 'flask', 'celery', 'redis', 'httpx', 'alembic'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["detection"]["kind"] == "budget"
    assert done.stderr.strip() == "[]"
