"""How the imports of the last day went: success rate, average time, warnings by source."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

# All by the moment that an import was asked for, so that one index serves them.
_RATES = text(
    """
    select count(*) as asked,
           count(*) filter (where state = 'completed') as completed,
           count(*) filter (where state = 'completed_with_errors') as with_errors,
           count(*) filter (where state = 'failed') as failed,
           count(*) filter (where state in ('received', 'profiled', 'applying')) as under_way,
           count(*) filter (where state in ('awaiting_mapping', 'planned')) as waiting,
           count(*) filter (where state in ('cancelled', 'undone')) as taken_back,
           avg(extract(epoch from completed_at - created_at))
             filter (where state in ('completed', 'completed_with_errors')) as seconds
      from import_run
     where created_at > now() - make_interval(hours => :hours)
    """
)
# A file that is no budget is refused, or somebody says that it is one; only then is the long
# analysis of the run looked into.
_WARNED = text(
    """
    with looked as (
      select r.tenant_id, r.id, r.source_type, r.warnings <> '[]' as warned,
             coalesce(r.error ->> 'code' = 'not_a_budget', false)
               or r.force_kind
                  and coalesce(r.analysis -> 'detection' ->> 'kind' <> 'budget', false) as strange
        from import_run r
       where r.created_at > now() - make_interval(hours => :hours))
    select l.source_type, s.id as source_id, s.name as source,
           count(*) filter (where l.strange) as not_budgets,
           count(*) filter (where l.warned) as warned,
           count(*) as files
      from looked l
      left join lateral (select f.source_id from source_file f
                          where f.tenant_id = l.tenant_id and f.import_id = l.id limit 1) f on true
      left join source s on s.tenant_id = l.tenant_id and s.id = f.source_id
     group by l.source_type, s.id, s.name
    having bool_or(l.strange or l.warned)
     order by count(*) filter (where l.strange) desc, count(*) filter (where l.warned) desc,
              l.source_type, s.name
     limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class Rates:
    """How many imports were asked for in a span of time, and what has become of them."""

    asked: int
    completed: int
    with_errors: int
    failed: int
    under_way: int
    waiting: int
    taken_back: int
    seconds: Decimal | None
    """From being asked for to being done, on average over those that completed."""

    @property
    def succeeded(self) -> int:
        """Those that loaded their rows, all or in part."""
        return self.completed + self.with_errors

    @property
    def success_percent(self) -> Decimal | None:
        """Succeeded of all that were asked for; None where there was none."""
        return Decimal(100 * self.succeeded) / self.asked if self.asked else None


@dataclass(frozen=True, slots=True)
class Warned:
    """The files of one source, or of uploads where there is none, that look wrong."""

    source_type: str
    source_id: UUID | None
    source: str | None
    not_budgets: int
    warned: int
    files: int


def rates(session: Session, *, hours: int = 24) -> Rates:
    """How the imports went that were asked for in the last hours."""
    return Rates(**session.execute(_RATES, {"hours": hours}).one()._mapping)


def warnings_by_source(session: Session, *, hours: int = 24, limit: int = 20) -> list[Warned]:
    """Sources whose files were no budgets or had warnings, the worst first."""
    found = session.execute(_WARNED, {"hours": hours, "limit": limit})
    return [Warned(**row._mapping) for row in found]
