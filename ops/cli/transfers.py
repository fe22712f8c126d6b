"""Transfers that wait for approval, from a shell."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ops.cli.client import client
from ops.cli.control import AsJson, Key, Limit, Tenant
from ops.cli.output import give, give_json
from ops.cli.tables import give_table

RequestId = Annotated[str, typer.Argument(help="Id of the transfer request.")]
Say = Annotated[str, typer.Option(help="What to say about it; it is kept.")]

transfers = typer.Typer(no_args_is_help=True, help="Transfers that wait for approval.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(transfers, name="transfers")


@transfers.command("list")
def list_transfers(
    state: Annotated[str | None, typer.Option(help="pending, approved or rejected.")] = "pending",
    limit: Limit = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List the transfers that were asked for, newest first."""
    page = client(tenant).get("/transfer-requests", state=state, limit=limit)
    if as_json:
        give_json(page)
        return
    columns = ("id", "state", "from", "to", "amount", "currency", "requested_by", "reason")
    give_table(page["data"], columns)


@transfers.command("approve")
def approve(
    request_id: RequestId, reason: Say = "", key: Key = None, tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Approve of a transfer that somebody else asked for."""
    made = _decide(request_id, "approve", reason, key, tenant)
    if as_json:
        give_json(made)
        return
    give(f"moved {made['amount']} {made['currency']}; {made['from']['available']} left to give")


@transfers.command("reject")
def reject(
    request_id: RequestId, reason: Say = "", key: Key = None, tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Refuse a transfer, or take one's own request back."""
    refused = _decide(request_id, "reject", reason, key, tenant)
    give_json(refused) if as_json else give(f"{refused['id']}: {refused['state']}")


def _decide(request_id: str, step: str, reason: str, key: str | None, tenant: str | None) -> Any:
    return client(tenant).post(
        f"/transfer-requests/{request_id}/{step}", {"reason": reason}, key=key
    )
