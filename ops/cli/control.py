"""Budgets and control from a shell: the API, one command a call."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops.cli.client import client
from ops.cli.output import give, give_json
from ops.cli.tables import give_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
BudgetId = Annotated[str, typer.Argument(help="Id of the budget.")]
Ref = Annotated[str, typer.Argument(help="Your reference of the reservation.")]
Amount = Annotated[str, typer.Argument(help="Decimal amount, such as 1234.50.")]
Part = Annotated[str | None, typer.Argument(help="A part of it; all that remains without.")]
Currency = Annotated[str, typer.Option(help="ISO 4217 code.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key, to repeat a call safely.")]
Limit = Annotated[int, typer.Option(help="Most rows.", min=1, max=200)]

jobs = typer.Typer(invoke_without_command=True, help="Jobs, and trying one again.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    for command in (budgets, check, reserve, charge, release, topup, ledger, alerts):
        app.command()(command)
    app.add_typer(jobs, name="jobs")


def budgets(
    department: Annotated[str | None, typer.Option(help="Only this department.")] = None,
    fiscal_period: Annotated[str | None, typer.Option(help="Only this period.")] = None,
    q: Annotated[str | None, typer.Option(help="Part of a name.")] = None,
    limit: Limit = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List budgets with what is available."""
    page = client(tenant).get(
        "/budgets", department=department, fiscal_period=fiscal_period, q=q, limit=limit
    )
    if as_json:
        give_json(page)
        return
    columns = ("id", "department", "sub_category", "fiscal_period", "currency", "budgeted_amount",
               "reserved", "committed", "spent", "available")  # fmt: skip
    give_table(page["data"], columns)


def check(
    department: Annotated[str, typer.Argument(help="Who wants to spend.")],
    amount: Amount,
    fiscal_period: Annotated[str, typer.Option(help="Such as FY2025.")],
    sub_category: Annotated[str | None, typer.Option(help="On what.")] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 code.")] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether an amount can be spent."""
    body = {"department": department, "amount": amount, "fiscal_period": fiscal_period}
    more = {"sub_category": sub_category, "currency": currency}
    body |= {name: value for name, value in more.items() if value}
    answer = client(tenant).post("/budgets/check", body)
    if as_json:
        give_json(answer)
        return
    budget = answer["budget"]
    left = f"; {budget['available']} {budget['currency']} available" if budget else ""
    give(f"{answer['decision']} ({answer['reason']}){left}")


def reserve(
    budget_id: BudgetId,
    amount: Amount,
    ref: Ref,
    currency: Currency = "USD",
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Set an amount of a budget aside."""
    body = {"amount": amount, "currency": currency, "ref_id": ref}
    tell_reservation(
        client(tenant).post(f"/budgets/{budget_id}/reservations", body, key=key), as_json
    )


def charge(
    ref: Ref, amount: Part = None, key: Key = None, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Spend a reservation, or a part of it."""
    body = {"amount": amount} if amount else {}
    tell_reservation(client(tenant).post(f"/reservations/{ref}/charge", body, key=key), as_json)


def release(
    ref: Ref, amount: Part = None, key: Key = None, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Give a reservation back, or a part of it."""
    body = {"amount": amount} if amount else {}
    tell_reservation(client(tenant).post(f"/reservations/{ref}/release", body, key=key), as_json)


def topup(
    budget_id: BudgetId,
    amount: Amount,
    currency: Currency = "USD",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Add money to a budget."""
    body = {"amount": amount, "currency": currency, "reason": reason}
    answer = client(tenant).post(f"/budgets/{budget_id}/topup", body, key=key)
    if as_json:
        give_json(answer)
        return
    give(f"{answer['available']} {answer['currency']} available")


def tell_reservation(answer: dict[str, Any], as_json: bool) -> None:
    """Print what the ledger said of a reservation."""
    if as_json:
        give_json(answer)
        return
    give(
        f"{answer['ref_id']}: {answer['state']}, {answer['remaining']} of {answer['amount']}"
        f" {answer['currency']} held; {answer['available']} available"
    )


def ledger(
    budget_id: BudgetId, limit: Limit = 50, tenant: Tenant = None, as_json: AsJson = False
) -> None:
    """Show the entries of a budget, newest first."""
    page = client(tenant).get(f"/budgets/{budget_id}/ledger", limit=limit)
    if as_json:
        give_json(page)
        return
    columns = (
        "seq",
        "recorded_at",
        "kind",
        "from_bucket",
        "to_bucket",
        "amount",
        "ref_id",
        "actor",
    )
    give_table(page["data"], columns)


def alerts(
    state: Annotated[str | None, typer.Option(help="open, acknowledged or resolved.")] = "open",
    limit: Limit = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List alerts."""
    page = client(tenant).get("/alerts", state=state, limit=limit)
    if as_json:
        give_json(page)
        return
    give_table(page["data"], ("created_at", "severity", "type", "state", "budget_id", "message"))


@jobs.callback()
def list_jobs(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    limit: Limit = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    if context.invoked_subcommand is not None:
        return
    page = client(tenant).get("/jobs", state=state, limit=limit)
    if as_json:
        give_json(page)
        return
    give_table(page["data"], ("id", "kind", "state", "attempts", "created_at", "finished_at"))


@jobs.command("retry")
def retry_job(
    job_id: Annotated[str, typer.Argument(help="Id of the job.")],
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Queue a failed, dead or cancelled job again."""
    job = client(tenant).post(f"/jobs/{job_id}/retry")
    give_json(job) if as_json else give(f"{job['id']}: {job['state']}")
