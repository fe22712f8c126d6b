"""The proof as a running stack does it by itself, and the commands around it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from ops.cli.client import Client
from ops.stack import postgres
from ops.stack.home import open_home
from tests.live.stack import Live


def sql(live: Live, statement: str, *values: object) -> None:
    """As the superuser, past every trigger."""
    home = open_home(live.home)
    assert home is not None
    with psycopg.connect(make_conninfo(postgres.admin_conninfo(home), dbname="bursar")) as admin:
        admin.execute("set local session_replication_role = replica")
        admin.execute(statement.encode(), values)


def wait_until_frozen(api: Client, budget: str, wanted: str | None) -> float:
    start = time.monotonic()
    while api.get(f"/budgets/{budget}")["proof"]["frozen_for"] != wanted:
        assert time.monotonic() - start < 60, "within a minute"
        time.sleep(0.5)
    return time.monotonic() - start


def test_a_changed_counter_is_frozen_within_a_minute_and_mended(mine: Live, tmp_path: Path) -> None:
    tenant = f"--tenant={mine.tenant_id}"

    def run(*words: str, code: int = 0) -> str:
        done = mine.command(*words, tenant)
        assert done.returncode == code, done.stderr
        return done.stdout.strip() or done.stderr.strip()

    api = Client(mine.url, mine.key)
    body = {"fiscal_period": "FY2026", "budgeted_amount": "1000", "currency": "USD"}
    wrong, right = (api.post("/budgets", body | {"department": d})["id"] for d in ("A", "B"))
    kept = tmp_path / "seal.json"
    kept.write_text(run("seal", "--json"))
    sql(mine, "update budget_account set spent = 7 where id = %s", wrong)
    wait_until_frozen(api, wrong, "discrepancy")
    held: dict[str, Any] = {"amount": "1", "currency": "USD", "ref_id": "x"}
    assert api.post(f"/budgets/{right}/reservations", held)["state"] == "reserved"
    assert "differ by 7.0000" in run("verify", code=4)
    assert "differ by 7.0000" in run("reconcile", code=4)
    assert run("fix-discrepancy", wrong, "--reason=set by hand") == "rebuilt: 0 entries posted"
    assert wait_until_frozen(api, wrong, None) < 5
    assert "every chain is whole" in run("verify", f"--seal={kept}")
    found = json.loads(run("reconcile", "--json"))
    assert (found["budgets"], found["entries"], found["discrepancies"]) == (2, 3, 0)
    pack = tmp_path / "pack.zip"
    run("evidence", f"--output={pack}")
    key = json.loads(run("signing-keys", "--json"))["data"][0]["public_key"]
    sound = mine.command("verify", str(pack), f"--key={key}")
    assert (sound.returncode, sound.stderr) == (0, "")
    assert sound.stdout.startswith("3 entries of 2 accounts under 1 seals: every chain is whole")
    pack.write_bytes(pack.read_bytes()[:-40])
    assert mine.command("verify", str(pack)).returncode == 1
