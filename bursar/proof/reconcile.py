"""Proof that the counters follow from the entries and that the chain of entries is whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.errors import NotFound

COUNTERS = ("authorized", "reserved", "committed", "spent", "rolled_up")
_ZERO = Decimal(0)

# One statement, so that counters and entries are of one moment; each entry is read once.
_MOVES = text(
    """
    select a.id, a.currency, a.authorized, a.reserved, a.committed, a.spent, a.rolled_up,
           case when a.closed_at is null then coalesce(b.used, 0) else a.rolled_up end as below,
           m.kind, m.from_bucket, m.to_bucket, m.amount, coalesce(m.entries, 0) as entries
      from budget_account a
      left join lateral (
        select sum(x.used) as used from ledger_accounts_below(a.tenant_id, a.budget_id) x
         where a.id = any (x.controllers)
      ) b on true
      left join lateral (
        select e.kind::text as kind, e.from_bucket::text as from_bucket,
               e.to_bucket::text as to_bucket, sum(e.amount) as amount, count(*) as entries
          from ledger_entry e
         where e.tenant_id = a.tenant_id and e.account_id = a.id
         group by e.kind::text, e.from_bucket::text, e.to_bucket::text
      ) m on true
     where a.tenant_id = :tenant and a.id = any (array(select budget_accounts(:tenant, :budget)))
     order by a.closed_at nulls first, a.line_key nulls first, a.id, m.kind
    """
)
# Whether what follows the state that was proven last fits; older entries are walked by the
# continuous proof, which freezes where they do not.
_NEWEST = text(
    """
    select bool_and(
             a.frozen_for is null and w.whole and w.entries = a.entry_seq - coalesce(p.seq, 0)
             and coalesce(w.head_hash, p.head_hash) is not distinct from a.head_hash)
      from budget_account a
      left join ledger_proof p on p.tenant_id = a.tenant_id and p.account_id = a.id
      cross join lateral ledger_walked(
        a.tenant_id, a.id, coalesce(p.seq, 0), a.entry_seq, p.head_hash) w
     where a.tenant_id = :tenant and a.id = any (array(select budget_accounts(:tenant, :budget)))
    """
)
_WHOLE = text("select min(first_bad_seq) from ledger_verify(:tenant, :budget)")


@dataclass(slots=True)
class Reconciliation:
    """The stored counters of a budget beside those derived from its entries, in `currency`.

    Those of the present period; `discrepancy` and `first_bad_seq` are of past ones too.
    """

    budget_id: UUID
    currency: str
    stored: dict[str, Decimal]
    derived: dict[str, Decimal]
    discrepancy: Decimal = _ZERO
    entries: int = 0
    totals_by_type: dict[str, Decimal] = field(default_factory=dict)
    first_bad_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """An account that does not hold: counters that differ, or the first entry that does not fit."""

    account_id: UUID
    budget_id: UUID
    differs: Decimal
    fault: str | None
    bad_seq: int | None

    def __str__(self) -> str:
        """What is wrong, in words."""
        said = []
        if self.fault is not None:
            said.append(f"entry {self.bad_seq} {_FAULTS[self.fault]}")
        if self.differs or not said:
            said.append(f"counters differ by {self.differs} from the entries")
        return "; ".join(said)


_FAULTS = {
    "changed": "was changed: it does not fit its chain",
    "missing": "is missing",
    "added": "was added past the ledger",
}


def reconcile(
    session: Session, tenant_id: UUID, budget_id: UUID, *, whole_chain: bool = False
) -> Reconciliation:
    """Derive a budget's counters from all its entries and compare. Raises NotFound.

    The chain is walked from the state that was proven last, or with `whole_chain` from the start.
    """
    names = {"tenant": tenant_id, "budget": budget_id}
    rows = session.execute(_MOVES, names).all()
    if not rows:
        raise NotFound("There is no such budget.")
    accounts: dict[UUID, Reconciliation] = {}
    for row in rows:
        found = accounts.get(row.id)
        if found is None:
            stored = {name: getattr(row, name) for name in COUNTERS}
            derived = dict.fromkeys(COUNTERS, _ZERO) | {"rolled_up": row.below}
            found = accounts[row.id] = Reconciliation(budget_id, row.currency, stored, derived)
        if row.entries:
            _count(found, row.kind, row.from_bucket, row.to_bucket, row.amount, row.entries)
    present = next(iter(accounts.values()))
    present.discrepancy = sum((_differs(one) for one in accounts.values()), _ZERO)
    if whole_chain or not session.execute(_NEWEST, names).scalar():
        present.first_bad_seq = session.execute(_WHOLE, names).scalar()
    return present


def _count(
    found: Reconciliation, kind: str, source: str, goal: str, amount: Decimal, entries: int
) -> None:
    found.entries += entries
    found.totals_by_type[kind] = found.totals_by_type.get(kind, _ZERO) + amount
    for bucket, moved in ((goal, amount), (source, -amount)):
        if bucket == "external":
            found.derived["authorized"] -= moved
        elif bucket != "available":
            found.derived[bucket] += moved


def _differs(one: Reconciliation) -> Decimal:
    return sum((abs(one.stored[name] - one.derived[name]) for name in COUNTERS), _ZERO)


def broken_accounts(session: Session, tenant_id: UUID) -> list[Broken]:
    """Every account whose counters or chain do not hold, all entries walked in one statement."""
    rows = session.execute(
        text(
            "select account_id, budget_id, differs, fault, bad_seq from ledger_examined(:tenant)"
            " where fault is not null or differs <> 0"
        ),
        {"tenant": tenant_id},
    )
    return [Broken(*row) for row in rows]


def broken_budgets(session: Session, tenant_id: UUID) -> list[tuple[UUID, str]]:
    """Every budget whose counters or chain do not hold, with what is wrong."""
    return [(one.budget_id, str(one)) for one in broken_accounts(session, tenant_id)]
