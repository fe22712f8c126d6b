"""What an operator looks at: how much waits, what was given up, and one job's life."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bursar.logs import mask
from schema.tables import Job

# More than this many live jobs are not counted, so that looking never costs more than working.
MOST_COUNTED = 20_000
_LOOKED_AT = 200

_DEPTHS = text(
    """
    select queue, kind,
           count(*) filter (where state = 'queued') as waiting,
           count(*) filter (where state = 'retrying') as retrying,
           count(*) filter (where state = 'running') as running,
           min(run_after) filter (where state <> 'running' and run_after <= now()) as oldest
      from (select queue, kind, state, run_after from job
             where state in ('queued', 'running', 'retrying')
             order by run_after limit :most) live
     group by queue, kind order by queue, kind
    """
)
_ENDED_BADLY = text(
    """
    select * from (
      (select * from job where state = 'dead' order by created_at desc, id desc limit :looked_at)
      union all
      (select * from job where state = 'failed' order by created_at desc, id desc limit :looked_at)
    ) ended
     where finished_at > now() - make_interval(hours => :hours)
     order by finished_at desc, id desc limit :limit
    """
)
_SECRET = re.compile(r"(?i)secret|passw|token|credential|authorization|private_?key|api_?key")


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs of one kind are there to be done; `oldest` is ready since then."""

    queue: str
    kind: str
    waiting: int
    retrying: int
    running: int
    oldest: datetime | None


def depths(session: Session) -> list[Depth]:
    """The jobs of this tenant that wait or run, by queue and kind, MOST_COUNTED at most."""
    return [Depth(**row._mapping) for row in session.execute(_DEPTHS, {"most": MOST_COUNTED})]


def ended_badly(session: Session, *, hours: int = 24, limit: int = 10) -> list[Job]:
    """Dead and failed jobs that ended in the last hours, the newest end first.

    Looks at the newest of each state only: a list that long is read in the list of jobs.
    """
    asked = {"hours": hours, "limit": limit, "looked_at": _LOOKED_AT}
    return list(session.execute(select(Job).from_statement(_ENDED_BADLY), asked).scalars())


def without_secrets(value: Any) -> Any:
    """A job's payload or result as it may be shown: stars for whatever is named or shaped as a
    secret.
    """
    if isinstance(value, dict):
        return {
            name: "***" if _SECRET.search(str(name)) else without_secrets(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(part) for part in value]
    return mask(value) if isinstance(value, str) else value
