"""The steps of the ledger from a shell, against a running stack."""

from __future__ import annotations

import json
import uuid

from ops.cli.client import Client
from tests.live.stack import Live


def test_every_step_of_the_ledger_is_a_command(mine: Live) -> None:
    tenant = f"--tenant={mine.tenant_id}"

    def run(*words: str, code: int = 0) -> str:
        done = mine.command(*words, tenant)
        assert done.returncode == code, done.stderr
        return done.stdout.strip() or done.stderr.strip()

    api = Client(mine.url, mine.key)
    body = {"fiscal_period": "FY2026", "budgeted_amount": "1000", "currency": "USD"}
    ids = [api.post("/budgets", body | {"department": name})["id"] for name in ("A", "B")]
    ref = uuid.uuid4().hex
    run("reserve", ids[0], "300", ref)
    assert "committed, 300.00 of 300.00" in run("commit", ref)
    assert "charged" in run("charge", ref)
    assert "1000.00 available" in run("refund", ref, "--reason=returned")
    assert "990.00 available" in run("spend", ids[0], "10", f"{ref}-2")
    assert "passed" not in run("spend", ids[0], "2000", f"{ref}-3", code=1)
    assert run("transfer", ids[0], ids[1], "40", "--reason=moved") == (
        "40.00 USD moved; 950.00 left there, 1040.00 available here"
    )
    entries = json.loads(run("ledger", ids[0], "--json"))["data"]
    spent = next(one["seq"] for one in entries if one["ref_id"] == f"{ref}-2")
    assert "960.00 USD available" in run("reverse", ids[0], str(spent), "--reason=mistake")
    checked = json.loads(run("check", "A", "100", "--fiscal-period=FY2026", "--json"))
    told = run("explain", checked["decision_id"])
    assert told.startswith("approved (within_auto_approval_threshold)")
    assert "authorized 960.0000" in told
