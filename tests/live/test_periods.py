"""Periods as a running stack ends them: by the clock, and from a shell."""

from __future__ import annotations

import json
import time

from ops.cli.client import Client
from tests.live.stack import Live
from tests.live.test_proof import sql


def test_a_month_that_is_over_starts_anew_by_itself_and_a_year_is_closed_by_hand(
    mine: Live,
) -> None:
    tenant = f"--tenant={mine.tenant_id}"

    def run(*words: str, code: int = 0) -> str:
        done = mine.command(*words, tenant)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout.strip()

    api = Client(mine.url, mine.key)
    body = {"department": "A", "fiscal_period": "FY2026", "budgeted_amount": "1000"}
    budget = api.post("/budgets", body | {"currency": "USD"})["id"]
    run("spend", budget, "300", "bill")
    told = run("periods", "recur", budget, "monthly", "--rollover=carry_unspent")
    assert told.startswith("monthly, carry_unspent; next on ")
    # As if the month had ended while nobody looked; and the schedule is due at once.
    sql(
        mine,
        "update budget_recurrence set next_on = date_trunc('month', now()) where id = %s",
        budget,
    )
    sql(mine, "update schedule set next_due_at = now() where name = 'reset_budgets'")
    start = time.monotonic()
    while len(api.get(f"/budgets/{budget}/periods")["data"]) == 1:
        assert time.monotonic() - start < 60, "within a minute"
        time.sleep(0.5)
    present, past = api.get(f"/budgets/{budget}/periods")["data"]
    assert (present["budgeted_amount"], past["spent"]) == ("1700.00", "300.00")
    (job,) = api.get("/jobs", kind="periods.reset")["data"]
    assert (job["result"]["reset"], job["created_by"]) == (1, "schedule")

    held = {"amount": "50", "currency": "USD", "ref_id": "late"}
    api.post(f"/budgets/{budget}/reservations", held)
    planned = json.loads(
        run("periods", "close", "FY2026", "--rollover=carry_all", "--dry-run", "--json")
    )
    assert planned["carried"]["USD"]["commitments"] == "50.00"
    assert "1 of 1 budgets of FY2026 closed" in run(
        "periods", "close", "FY2026", "--rollover=carry_all"
    )
    assert "period_closed" in mine.command("spend", budget, "1", "more", tenant).stderr
    run("charge", "late")
    (after,) = api.get("/budgets", fiscal_period="FY2027")["data"]
    assert (after["spent"], after["available"]) == ("50.00", "1650.00")
    assert "every chain is whole" in run("verify")
