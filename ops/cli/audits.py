"""Questions of an auditor from a shell: entries, sums by day, discrepancies, forecasts,
trapped money.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ops.cli.client import client
from ops.cli.output import give, give_json
from ops.cli.proof import EXIT_BROKEN
from ops.cli.reports import AsJson, First, Last, Output, Range, Tenant, report, write_file
from ops.cli.tables import give_table

Budget = Annotated[str | None, typer.Option(help="Only this budget.")]


def register(app: typer.Typer) -> None:  # noqa: ARG001  the group is there already
    """Add the commands of this group."""
    report.command("entries")(entries)
    report.command("daily")(daily)
    report.command("discrepancies")(discrepancies)
    report.command("forecast")(forecast)
    report.command("trapped")(trapped)
    report.command("release")(release)


def entries(
    ref: Annotated[str | None, typer.Option(help="Your reference of the reservation.")] = None,
    ref_type: Annotated[str, typer.Option(help="The kind of the reference.")] = "reservation",
    budget: Budget = None,
    range_name: Range = None,
    first: First = None,
    last: Last = None,
    output: Output = None,
    limit: Annotated[int, typer.Option(help="Most rows.", min=1, max=200)] = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show everything posted under a reference; or write all entries of a span to a file."""
    asked = {"range": range_name, "from": first, "to": last, "budget_id": budget}
    if output is not None:
        write_file("/ledger/export", output, tenant, asked)
        return
    if ref is not None:
        asked = {"ref_id": ref, "ref_type": ref_type}
    page = client(tenant).get("/ledger", **asked, limit=limit)
    if as_json:
        give_json(page)
        return
    columns = ("recorded_at", "budget_id", "seq", "kind", "from_bucket", "to_bucket", "amount",
               "currency", "ref_id", "actor")  # fmt: skip
    give_table(page["data"], columns)


def daily(
    budget: Budget = None,
    range_name: Range = None,
    first: First = None,
    last: Last = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show entries by day, currency and kind."""
    asked = {"range": range_name, "from": first, "to": last, "budget_id": budget}
    found = client(tenant).get("/reports/daily", **asked)
    if as_json:
        give_json(found)
        return
    give_table(found["data"], ("day", "currency", "kind", "entries", "amount", "delta_used"))


def forecast(
    budget_id: Annotated[str, typer.Argument(help="Id of the budget.")],
    window_days: Annotated[
        int, typer.Option(help="Whole days to look back on.", min=7, max=730)
    ] = 90,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show when a budget runs out if it goes on as it did: an estimate."""
    found = client(tenant).get(f"/budgets/{budget_id}/forecast", window_days=window_days)
    if as_json:
        give_json(found)
        return
    give(
        f"{found['burn_rate_per_day']} {found['currency']} a day over {found['days']} days;"
        f" {found['available']} available: {found['state'].replace('_', ' ')}"
    )
    if found["runs_out_on"]:
        give(
            f"runs out on {found['runs_out_on']} (from {found['earliest']} to"
            f" {found['latest'] or 'open'}, with {found['confidence_percent']} percent)"
        )


def trapped(
    max_probability: Annotated[
        str, typer.Option(help="Only holds at most this likely to be charged.")
    ] = "0.1",
    limit: Annotated[int, typer.Option(help="Most rows.", min=1, max=200)] = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show holds that wait so long that they will hardly be charged."""
    asked = {"max_probability": max_probability, "limit": limit}
    found = client(tenant).get("/reports/trapped", **asked)
    if as_json:
        give_json(found)
        return
    days = [{**one, "days": one["waited_seconds"] // 86_400} for one in found["data"]]
    give_table(days, ("ref_type", "ref_id", "budget_name", "remaining", "currency", "days",
                      "probability"))  # fmt: skip
    for currency, amount in found["releasable"].items():
        give(f"{amount} {currency} in all {found['count']} holds")


def release(
    refs: Annotated[list[str], typer.Argument(help="Your references of the holds.")],
    ref_type: Annotated[str, typer.Option(help="The kind of the reference.")] = "reservation",
    key: Annotated[
        str | None, typer.Option(help="Idempotency key, to repeat a call safely.")
    ] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Give many holds back, each for itself. Exit code 1: one was refused."""
    body = {"ref_ids": refs, "ref_type": ref_type}
    found = client(tenant).post("/reports/trapped/release", body, key=key)["data"]
    if as_json:
        give_json({"data": found})
    else:
        give_table(found, ("ref_id", "released", "amount", "currency", "code"))
    if not all(one["released"] for one in found):
        sys.exit(1)


def discrepancies(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Show budgets whose counters do not follow from their entries. Exit code 4: there is one."""
    found = client(tenant).get("/reports/discrepancies", limit=200)
    if as_json:
        give_json(found)
    elif found["data"]:
        give_table(found["data"], ("budget_id", "name", "discrepancy", "currency", "entries"))
    else:
        give("every counter follows from its entries")
    if found["data"]:
        sys.exit(EXIT_BROKEN)
