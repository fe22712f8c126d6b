"""Further steps of the ledger from a shell: commit, refund, spend, transfer, take back, explain."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.cli.client import client
from ops.cli.control import (
    Amount,
    AsJson,
    BudgetId,
    Currency,
    Key,
    Part,
    Ref,
    Tenant,
    tell_reservation,
)
from ops.cli.output import give, give_json

Why = Annotated[str, typer.Option(help="Why; it is kept with the entry.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    for command in (commit, refund, spend, transfer, reverse, explain):
        app.command()(command)


def commit(ref: Ref, key: Key = None, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Turn a reservation into an obligation."""
    tell_reservation(client(tenant).post(f"/reservations/{ref}/commit", key=key), as_json)


def refund(
    ref: Ref,
    reason: Why,
    amount: Part = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Give back what was charged, or a part of it."""
    body = {"reason": reason} | ({"amount": amount} if amount else {})
    tell_reservation(client(tenant).post(f"/reservations/{ref}/refund", body, key=key), as_json)


def spend(
    budget_id: BudgetId,
    amount: Amount,
    ref: Ref,
    currency: Currency = "USD",
    reason: Why = "",
    override: Annotated[str, typer.Option(help="Why the limit is passed.")] = "",
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Spend without a reservation."""
    body = {"amount": amount, "currency": currency, "ref_id": ref}
    body |= {k: v for k, v in {"reason": reason, "override": override}.items() if v}
    answer = client(tenant).post(f"/budgets/{budget_id}/charges", body, key=key)
    tell_reservation(answer, as_json)


def transfer(
    giving: Annotated[str, typer.Argument(help="Id of the budget that gives.")],
    taking: Annotated[str, typer.Argument(help="Id of the budget that takes.")],
    amount: Amount,
    reason: Why,
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Move authorized money that is not used to another budget."""
    body = {"from": giving, "to": taking, "amount": amount, "reason": reason}
    answer = client(tenant).post("/transfers", body, key=key)
    if as_json:
        give_json(answer)
        return
    left, now = (answer[side]["available"] for side in ("from", "to"))
    give(f"{answer['amount']} {answer['currency']} moved; {left} left there, {now} available here")


def reverse(
    budget_id: BudgetId,
    seq: Annotated[int, typer.Argument(help="Number of the entry.", min=1)],
    reason: Why,
    key: Key = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Take an entry back by its inverse."""
    path = f"/budgets/{budget_id}/ledger/{seq}/reverse"
    answer = client(tenant).post(path, {"reason": reason}, key=key)
    if as_json:
        give_json(answer)
        return
    give(f"entry {seq} is taken back; {answer['available']} {answer['currency']} available")


def explain(
    decision_id: Annotated[str, typer.Argument(help="The decision_id of a check.")],
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Say why a check was answered as it was."""
    found = client(tenant).get(f"/checks/{decision_id}")
    if as_json:
        give_json(found)
        return
    trace = found["trace"]
    asked, rule = trace.get("asked", {}), trace.get("rule")
    place = " / ".join(filter(None, (asked.get("department"), asked.get("sub_category"))))
    give(f"{found['decision']} ({found['reason']}) at {found['decided_at']} by {found['actor']}")
    give(f"asked: {found['amount']} of {place}, {asked.get('fiscal_period')}")
    if balance := trace.get("balance"):
        names = ("authorized", "reserved", "committed", "spent")
        used = ", ".join(f"{name} {balance[name]}" for name in names)
        give(f"budget {found['budget_id']} ({trace['matched']}): {used}")
    if above := trace.get("refused_above"):
        give(f"refused by the budget above: {above}")
    give(
        f"nobody is asked up to {trace.get('auto_approve_up_to')}:"
        f" {rule['name'] if rule else 'no rule says otherwise'}"
    )
    for cell in found["cells"]:
        give(
            f"its money came from {cell['cell'] or cell['row']} of {cell['file_name']}"
            f" ({cell['sha256'][:12]}), {cell['amount']} {cell['currency']},"
            f" imported by {cell['imported_by']}"
        )
    for hold in found["holds"][:10]:
        give(f"used by {hold['ref_type']} {hold['ref_id']}: {hold['amount']} {hold['currency']}")
    if more := found["more_holds"] + max(0, len(found["holds"]) - 10):
        give(f"and by {more} others")
    if late := trace.get("late_source"):
        give(f"its source {late['name']} is late: {late['policy']}")
