"""What a decision rested on: the cells that its budget's money came from, and who had used it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.importing.lineage import Source, sources_of
from schema.tables import CheckDecision

MOST_HOLDS = 100


@dataclass(frozen=True, slots=True)
class Holding:
    """What was used of the budget under a reference when the decision was given."""

    ref_type: str
    ref_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """The cells that went into the budget before the decision, and what had been used by then.

    The largest uses come first; `more_holds` says how many others there were.
    """

    currency: str | None
    cells: tuple[Source, ...]
    holds: tuple[Holding, ...]
    more_holds: int


# Up to the entry that the decision saw, in the account that was open then. What a reversal took
# back counts for what it reversed.
_USES = text(
    """
    with account as (
      select x.id, x.currency
        from budget_accounts(:tenant, :budget) a (id)
        join budget_account x on x.tenant_id = :tenant and x.id = a.id
       where coalesce(x.opened_at, '-infinity') <= :at and coalesce(x.closed_at, 'infinity') > :at
    ), uses as (
      select coalesce(o.ref_type, e.ref_type) as ref_type, coalesce(o.ref_id, e.ref_id) as ref_id,
             sum(ledger_delta_used(e.from_bucket, e.to_bucket, e.amount)) as amount
        from account a
        join ledger_entry e on e.tenant_id = :tenant and e.account_id = a.id and e.seq <= :seq
        left join ledger_entry o
          on e.kind = 'reverse' and o.tenant_id = :tenant and o.account_id = e.account_id
             and e.ref_id = o.account_id || '/' || o.seq
       group by 1, 2
      having sum(ledger_delta_used(e.from_bucket, e.to_bucket, e.amount)) > 0
    )
    select a.currency::text as currency, u.ref_type, u.ref_id, u.amount, count(*) over () as many
      from account a left join uses u on true
     order by u.amount desc nulls last, u.ref_type, u.ref_id limit :most
    """
)


def explain(session: Session, decision: CheckDecision) -> Explanation:
    """Open a decision to the cells and uses behind it; nothing where it met no budget."""
    if decision.budget_id is None:
        return Explanation(None, (), (), 0)
    rows: list[Any] = list(
        session.execute(
            _USES,
            {
                "tenant": decision.tenant_id, "budget": decision.budget_id,
                "at": decision.decided_at, "seq": decision.account_seq or 0, "most": MOST_HOLDS,
            },
        )
    )  # fmt: skip
    holds = tuple(
        Holding(row.ref_type, row.ref_id, row.amount) for row in rows if row.amount is not None
    )
    cells = tuple(
        cell
        for cell in sources_of(session, decision.budget_id)
        if cell.imported_at <= decision.decided_at
    )
    return Explanation(
        rows[0].currency if rows else None, cells, holds,
        rows[0].many - len(holds) if holds else 0,
    )  # fmt: skip
