"""Pauses of all sources at once: of a tenant by its own people, of everybody by the operator.

A pause holds the schedules back and nothing else: runs that somebody asks for, second looks and
imports that have begun go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bursar import schedules
from bursar.database import Database
from bursar.jobs.sweep import tenants_with_due
from bursar.sources.timing import next_after
from bursar.tenants import get_tenant
from schema.tables import Schedule, Source, Tenant

# The housekeeping that starts sources by their schedules, in all tenants.
STARTING = "start_sources"


@dataclass(frozen=True, slots=True)
class Pauses:
    """Since when a tenant's sources rest, and who wanted it; since when those of everybody do."""

    tenant_since: datetime | None
    tenant_by: str | None
    operator_since: datetime | None

    @property
    def any(self) -> bool:
        """Whether the schedules of this tenant's sources rest."""
        return self.tenant_since is not None or self.operator_since is not None


def pauses(session: Session) -> Pauses:
    """The pauses that hold for this tenant now."""
    tenant = get_tenant(session)
    everywhere = session.get(Schedule, STARTING)
    paused = everywhere is not None and everywhere.paused
    since = (everywhere.paused_at or everywhere.next_due_at) if everywhere and paused else None
    return Pauses(tenant.sources_paused_at, tenant.sources_paused_by, since)


def pause_tenant(session: Session, by: str) -> None:
    """Hold the schedules of this tenant's sources back; a pause that holds already stays."""
    tenant = _locked_tenant(session)
    if tenant.sources_paused_at is None:
        tenant.sources_paused_at, tenant.sources_paused_by = func.now(), by
        session.flush()
        session.refresh(tenant)


def resume_tenant(session: Session) -> None:
    """Let the schedules of this tenant's sources go on.

    A source that was due meanwhile runs once; files that were expected meanwhile raise no alarm.
    """
    tenant = _locked_tenant(session)
    if tenant.sources_paused_at is not None:
        tenant.sources_paused_at = tenant.sources_paused_by = None
        session.flush()
        pass_over_expected(session)


def resume_everywhere(database: Database, tenants: list[UUID]) -> None:
    """End the operator's pause, by the same rule, for these tenants' sources."""
    with database.transaction(None) as session:
        everywhere = session.get(Schedule, STARTING)
        if everywhere is None or not everywhere.paused:
            return  # what is late without a pause is an alarm
    for tenant_id in tenants:
        with database.transaction(tenant_id, "operator") as session:
            pass_over_expected(session)
    schedules.resume(database, STARTING)


def resume_schedule(database: Database, name: str) -> None:
    """Let a schedule of the installation go on, by its own rule where it starts sources.

    Raises NotFound.
    """
    if name == STARTING:
        resume_everywhere(database, tenants_with_due(database, "all"))
    else:
        schedules.resume(database, name)


def pass_over_expected(session: Session) -> None:
    """Move the moments that a file should have come by to the next ones, without an alarm."""
    now: datetime = session.execute(select(func.now())).scalar_one()
    late = select(Source).where(
        Source.is_active, Source.deleted_at.is_(None), Source.next_expected_at <= now
    )
    for source in session.execute(late.with_for_update()).scalars():
        source.next_expected_at = next_after(source.expected_by, source.time_zone, now)
    session.flush()


def _locked_tenant(session: Session) -> Tenant:
    # Not its key: rows that point to the tenant are being written all the time.
    return session.execute(select(Tenant).with_for_update(key_share=True)).scalar_one()
