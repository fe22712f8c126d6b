"""When the ledger was last proven, reconciled and sealed: of a tenant, and of single budgets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from schema.tables import LedgerWatch


@dataclass(frozen=True, slots=True)
class Standing:
    """When the counters of a budget last followed from its entries, and whether they do not now."""

    proven_at: datetime | None
    frozen_for: str | None


_STANDINGS = text(
    """
    select a.budget_id, max(a.frozen_for) as frozen_for,
           case when max(a.frozen_for) is null then max(w.proven_at) else min(p.proven_at) end
             as proven_at
      from unnest(cast(:budgets as uuid[])) u (id)
      cross join lateral budget_accounts(:tenant, u.id) x (id)
      join budget_account a on a.tenant_id = :tenant and a.id = x.id
      left join ledger_watch w on w.tenant_id = a.tenant_id
      left join ledger_proof p on p.tenant_id = a.tenant_id and p.account_id = a.id
     group by a.budget_id
    """
)


def of_budgets(
    session: Session, tenant_id: UUID, budget_ids: Collection[UUID]
) -> dict[UUID, Standing]:
    """How budgets stand: those that hold were proven with all the rest."""
    watch = session.execute(
        select(LedgerWatch.frozen, LedgerWatch.proven_at).where(LedgerWatch.tenant_id == tenant_id)
    ).one_or_none()
    if watch is None or not watch.frozen:
        # So nothing is asked of each of their accounts, past ones too.
        return {one: Standing(watch.proven_at if watch else None, None) for one in budget_ids}
    names = {"tenant": tenant_id, "budgets": list(budget_ids)}
    return {
        row.budget_id: Standing(row.proven_at, row.frozen_for)
        for row in session.execute(_STANDINGS, names)
    }


def of_tenant(session: Session) -> LedgerWatch:
    """How the tenant's ledger stands; a tenant that was never looked at has no times."""
    found = session.execute(select(LedgerWatch)).scalar()
    return found or LedgerWatch(unproven=0, frozen=0)
