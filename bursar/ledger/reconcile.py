"""Proof that the counters follow from the entries and that the chain of entries is whole."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.errors import NotFound

COUNTERS = ("authorized", "reserved", "committed", "spent", "rolled_up")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The stored counters of a budget beside those derived from its entries, in `currency`."""

    budget_id: UUID
    currency: str
    stored: dict[str, Decimal]
    derived: dict[str, Decimal]
    discrepancy: Decimal
    entries: int
    totals_by_type: dict[str, Decimal]
    first_bad_seq: int | None


def reconcile(session: Session, tenant_id: UUID, budget_id: UUID) -> Reconciliation:
    """Derive a budget's counters from its entries and compare. Raises NotFound."""
    names = {"tenant": tenant_id, "budget": budget_id}
    row = session.execute(text("select * from ledger_reconcile(:tenant, :budget)"), names).first()
    if row is None:
        raise NotFound("There is no such budget.")
    totals = session.execute(
        text(
            "select kind, sum(amount) as total from ledger_entry"
            " where tenant_id = :tenant and account_id = :account group by kind order by kind"
        ),
        {"tenant": tenant_id, "account": row.account_id},
    ).all()
    broken = session.execute(
        text("select first_bad_seq from ledger_verify(:tenant, :budget)"), names
    ).first()
    values = row._mapping
    return Reconciliation(
        budget_id=row.budget_id,
        currency=row.currency,
        stored={c: values[f"stored_{c}"] for c in COUNTERS},
        derived={c: values[f"derived_{c}"] for c in COUNTERS},
        discrepancy=row.discrepancy,
        entries=row.entries,
        totals_by_type={t.kind: t.total for t in totals},
        first_bad_seq=broken.first_bad_seq if broken else None,
    )


def broken_budgets(session: Session, tenant_id: UUID) -> list[tuple[UUID, str]]:
    """Every budget whose counters or chain do not hold, with what is wrong."""
    names = {"tenant": tenant_id}
    drifted = session.execute(
        text("select budget_id, discrepancy from ledger_reconcile(:tenant) where discrepancy <> 0"),
        names,
    ).all()
    unchained = session.execute(
        text("select budget_id, first_bad_seq from ledger_verify(:tenant)"), names
    ).all()
    return [(r.budget_id, f"counters differ by {r.discrepancy}") for r in drifted] + [
        (r.budget_id, f"entry {r.first_bad_seq} does not fit its chain") for r in unchained
    ]
