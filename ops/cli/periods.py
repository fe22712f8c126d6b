"""Periods from a shell: budgets that start anew, and fiscal periods that are closed."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from ops.cli.client import Client, client
from ops.cli.control import AsJson, BudgetId, Key, Limit, Tenant
from ops.cli.output import complain, give, give_json
from ops.cli.tables import give_table

Code = Annotated[str, typer.Argument(help="Code of the period, such as FY2025.")]
DryRun = Annotated[bool, typer.Option(help="Only say what would come of it.")]
Rollover = Annotated[
    str,
    typer.Option(
        help="reset, carry_unspent, carry_commitments, carry_deficit or carry_all.",
    ),
]
Cap = Annotated[str | None, typer.Option(help="The most that is carried of what was left.")]

periods = typer.Typer(no_args_is_help=True, help="Periods that start anew or are closed.")
_FIGURES = ("state", "currency", "authorized", "spent", "available", "unspent", "commitments",
            "deficit", "lapsed")  # fmt: skip
_ENDED = {"succeeded", "failed", "dead", "cancelled"}


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(periods, name="periods")


@periods.command("list")
def list_periods(
    state: Annotated[str | None, typer.Option(help="open, soft_closed or closed.")] = None,
    limit: Limit = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List fiscal periods, the latest first."""
    page = client(tenant).get("/periods", state=state, limit=limit)
    if as_json:
        give_json(page)
        return
    give_table(page["data"], ("code", "kind", "starts_on", "ends_on", "calendar", "state"))


@periods.command("recur")
def recur(
    budget_id: BudgetId,
    period_type: Annotated[
        str, typer.Argument(help="once, monthly, quarterly, yearly, rolling or custom.")
    ],
    rollover: Rollover = "reset",
    cap: Cap = None,
    allowance: Annotated[str | None, typer.Option(help="What each period starts with.")] = None,
    reset_day: Annotated[int, typer.Option(help="Day of the month.", min=1, max=31)] = 1,
    calendar: Annotated[str | None, typer.Option(help="A calendar of your own.")] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Let a budget start anew at the end of each period."""
    body = {"period_type": period_type, "rollover": rollover, "rollover_cap": cap,
            "allowance": allowance, "reset_day": reset_day, "calendar": calendar}  # fmt: skip
    rule = client(tenant).put(f"/budgets/{budget_id}/recurrence", body)
    if as_json:
        give_json(rule)
        return
    give(f"{rule['period_type']}, {rule['rollover']}; next on {rule['next_reset_on'] or 'no day'}")


@periods.command("reset")
def reset(
    budget: Annotated[
        str | None, typer.Option(help="Only this budget, due or not; else all that are due.")
    ] = None,
    dry_run: DryRun = False,
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Start anew the budgets whose period is over."""
    caller = client(tenant)
    if budget is not None:
        answer = caller.post(f"/budgets/{budget}/reset", {"dry_run": dry_run}, key=key)
        if as_json:
            give_json(answer)
            return
        give(f"{answer['state']}: {answer['available']} {answer['currency']} available")
        if answer["state"] != "already_reset":
            give_table(answer["ended"], ("period", *_FIGURES))
        return
    started = caller.post("/periods/reset", {"dry_run": dry_run}, key=key)
    found = _result(caller, started["job_id"])
    if as_json:
        give_json(found)
    else:
        give(f"{found['reset']} of {found['due']} budgets that were due")
        _tell(found, found["budgets"])
    sys.exit(1 if found["failed"] else 0)


@periods.command("close")
def close(
    code: Code,
    rollover: Rollover,
    cap: Cap = None,
    next_code: Annotated[str | None, typer.Option("--next", help="What takes over.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the entries.")] = "",
    dry_run: DryRun = False,
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Close a fiscal period for good, and carry on in the next."""
    caller = client(tenant)
    body = {"rollover": rollover, "rollover_cap": cap, "next": next_code, "reason": reason,
            "dry_run": dry_run}  # fmt: skip
    started = caller.post(f"/periods/{code}/close", body, key=key)
    found = _result(caller, started["job_id"])
    if as_json:
        give_json(found)
    else:
        verb = "would be closed" if dry_run else "closed"
        give(f"{found['closed']} of {found['budgets']} budgets of {found['period']} {verb}")
        _tell(found, found["shown"])
    sys.exit(1 if found["failed"] else 0)


@periods.command("soft-close")
def soft_close(code: Code, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Let nothing new be used of a period's budgets."""
    _moved(code, "soft-close", tenant, as_json)


@periods.command("reopen")
def reopen(code: Code, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Take a soft close back."""
    _moved(code, "reopen", tenant, as_json)


def _moved(code: str, step: str, tenant: str | None, as_json: bool) -> None:
    period = client(tenant).post(f"/periods/{code}/{step}")
    if as_json:
        give_json(period)
        return
    give(f"{period['code']}: {period['state']}, {period['budgets']} budgets")


def _result(caller: Client, job_id: str) -> dict[str, Any]:
    """What a job came to, when it has ended."""
    while True:
        job: dict[str, Any] = caller.get(f"/jobs/{job_id}")
        if job["state"] in _ENDED:
            break
        time.sleep(0.3)
    if job["state"] != "succeeded":
        complain(f"The job {job['state']}: {(job['error'] or {}).get('detail', '')}")
        sys.exit(1)
    found: dict[str, Any] = job["result"]
    return found


def _tell(found: dict[str, Any], budgets: list[dict[str, Any]]) -> None:
    if budgets:
        give_table(budgets, ("name", *_FIGURES))
    for failure in found["failed"]:
        complain(f"{failure['name']}: {failure['detail']}")
