"""The sweeper: rings again for jobs whose bell was lost or whose worker was."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from bursar.database import Database
from bursar.jobs.rows import Bell

# A bell that has rung is given this long before it rings again.
QUIET = timedelta(seconds=20)


def due_jobs(database: Database, limit: int = 500, quiet: timedelta = QUIET) -> list[Bell]:
    """Jobs of all tenants that should be rung for now; marks them as rung."""
    with database.transaction(None) as session:
        rows = session.execute(
            text("select tenant_id, id, kind, queue from ring_due_jobs(:limit, :quiet)"),
            {"limit": limit, "quiet": quiet},
        ).all()
    return [Bell(row.tenant_id, row.id, row.kind, row.queue) for row in rows]


def tenants_with_due(database: Database, what: str) -> list[UUID]:
    """Tenants that have holds past their expiry, or events not yet told."""
    with database.transaction(None) as session:
        return list(
            session.execute(
                text("select tenant_id from tenants_with_due(:what)"), {"what": what}
            ).scalars()
        )
