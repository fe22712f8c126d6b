"""How many rows a plan has of each kind, and the money before and after, by currency."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from schema.tables import ImportRun

_RECOUNT = text(
    """
    select r.action, cast(r.currency as text) as currency, count(*) as row_count,
           sum(r.before_amount) filter (where r.first) as before,
           sum(r.after_amount) filter (where r.first) as after
      from (select i.*, row_number() over (partition by i.budget_id order by i.row_no, i.part) = 1
                        as first
              from import_row i where i.tenant_id = :tenant and i.import_id = :import) r
     group by r.action, r.currency
    """
)


def recounted(session: Session, run: ImportRun) -> Sequence[Any]:
    """What `import_plan` answers, for a plan that was changed since."""
    return session.execute(_RECOUNT, {"tenant": run.tenant_id, "import": run.id}).all()


def keep_counts(session: Session, run: ImportRun, planned: Sequence[Any]) -> None:
    """Write the plan's counts and sums (by currency, as decimal text) on the run."""
    counts: Counter[str] = Counter()
    before: defaultdict[str, Decimal] = defaultdict(Decimal)
    after: defaultdict[str, Decimal] = defaultdict(Decimal)
    for group in planned:
        counts[group.action] += group.row_count
        if group.action != "rejected":
            before[group.currency] += group.before or Decimal(0)
            after[group.currency] += group.after
    session.execute(
        update(ImportRun)
        .where(ImportRun.id == run.id)
        .values(
            state="planned",
            total_rows=counts.total(),
            created_rows=counts["create"],
            updated_rows=counts["update"],
            unchanged_rows=counts["unchanged"],
            rejected_rows=counts["rejected"],
            amounts={
                currency: {"before": str(before[currency]), "after": str(after[currency])}
                for currency in sorted(after)
            },
        )
    )
