"""The continuous proof: what fails it is frozen and told, what holds again is let go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.alerts import raise_alert, resolve_key
from bursar.database import Database
from bursar.proof.reconcile import Broken


def prove(session: Session, tenant_id: UUID) -> Sequence[Any]:
    """One round over a tenant's ledger: what it froze and thawed, alerts raised and resolved."""
    events = session.execute(
        text("select * from ledger_prove(:tenant)"), {"tenant": tenant_id}
    ).all()
    tell(session, tenant_id, events)
    return events


def prove_for(database: Database, tenant_id: UUID, seconds: float) -> int:
    """Rounds until the proof of a tenant has caught up, or for some seconds; how many events."""
    until, events = time.monotonic() + seconds, 0
    while True:
        with database.transaction(tenant_id, "system") as session:
            events += len(prove(session, tenant_id))
            behind = session.execute(text("select unproven from ledger_watch")).scalar()
        if not behind or time.monotonic() > until:
            return events


def freeze(session: Session, tenant_id: UUID, accounts: Sequence[UUID]) -> Sequence[Any]:
    """Freeze those of the accounts that the ledger, looking again, finds wrong too."""
    events = session.execute(
        text("select * from ledger_suspect(:tenant, :accounts)"),
        {"tenant": tenant_id, "accounts": list(accounts)},
    ).all()
    tell(session, tenant_id, events)
    return events


def tell(session: Session, tenant_id: UUID, events: Sequence[Any]) -> None:
    """One open alert for each budget that was frozen; resolved when all of it holds again."""
    for event in events:
        if event.event == "frozen":
            found = Broken(
                event.account_id, event.budget_id, event.differs, event.fault, event.bad_seq
            )
            details = {
                "account_id": event.account_id, "fault": event.fault, "bad_seq": event.bad_seq,
                "differs": event.differs,
            }  # fmt: skip
            raise_alert(
                session, tenant_id, "discrepancy", "critical",
                f"The budget is frozen because its ledger does not prove: {found}.", details,
                f"discrepancy:{event.budget_id}", budget_id=event.budget_id,
            )  # fmt: skip
        else:
            settle(session, tenant_id, event.budget_id)


def settle(session: Session, tenant_id: UUID, budget_id: UUID) -> None:
    """Resolve the alert about a budget unless another of its accounts is frozen still."""
    frozen = session.execute(
        text(
            "select 1 from budget_account a where a.tenant_id = :tenant"
            " and a.id = any (array(select budget_accounts(:tenant, :budget)))"
            " and frozen_for is not null limit 1"
        ),
        {"tenant": tenant_id, "budget": budget_id},
    ).first()
    if frozen is None:
        resolve_key(session, tenant_id, f"discrepancy:{budget_id}", "system")
