"""Mending a budget whose counters and entries disagree, by a person and on record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bursar.alerts import raise_alert
from bursar.budgets.balances import get_balance
from bursar.proof.rounds import settle
from schema.tables import LedgerRepair

_ACKNOWLEDGED = text(
    """
    select r.budget_id, k.account_id, k.seq, r.reason, r.actor, k.created_at
      from ledger_acknowledgement k
      left join ledger_repair r on r.tenant_id = k.tenant_id and r.id = k.repair_id
     where k.tenant_id = :tenant order by k.created_at, k.account_id, k.seq
    """
)
# So many repairs within a day are a pattern that somebody should look into.
MANY_A_DAY = 3


def fix_discrepancy(
    session: Session, tenant_id: UUID, budget_id: UUID, reason: str, actor: str
) -> Sequence[LedgerRepair]:
    """Rebuild counters from a whole chain, or post entries where the chain is broken; never both.

    Returns what was done to each account that did not hold, nothing where all did. Raises NotFound.
    """
    get_balance(session, budget_id, deleted=True)
    done = (
        session.execute(
            text("select id from ledger_fix(:tenant, :budget, :reason, :actor)"),
            {"tenant": tenant_id, "budget": budget_id, "reason": reason, "actor": actor},
        )
        .scalars()
        .all()
    )
    settle(session, tenant_id, budget_id)
    if done:
        _tell_of_many(session, tenant_id)
    return (
        session.execute(
            select(LedgerRepair).where(LedgerRepair.id.in_(done)).order_by(LedgerRepair.id)
        )
        .scalars()
        .all()
    )


def acknowledged(session: Session, tenant_id: UUID) -> Sequence[Any]:
    """Every break that is excused: budget, account, number, and why, by whom and when."""
    return session.execute(_ACKNOWLEDGED, {"tenant": tenant_id}).all()


def _tell_of_many(session: Session, tenant_id: UUID) -> None:
    lately = session.execute(
        select(func.count()).where(
            LedgerRepair.tenant_id == tenant_id,
            LedgerRepair.created_at > func.now() - text("interval '1 day'"),
        )
    ).scalar_one()
    if lately >= MANY_A_DAY:
        raise_alert(
            session, tenant_id, "frequent_fixes", "warning",
            f"{lately} budgets were repaired within a day; find out who changes the ledger.",
            {"repairs": lately}, "frequent_fixes",
        )  # fmt: skip
