"""Work to be done: rows are the truth, the broker only rings the bell."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant

JOB_STATES = ("queued", "running", "retrying", "succeeded", "failed", "dead", "cancelled")
_LIVE = "state in ('queued', 'running', 'retrying')"


class Job(TenantKeyed, Timed, Base):
    """A piece of work. `lease_token` fences: only the holder of the newest may finish the job."""

    __tablename__ = "job"
    __table_args__ = (
        of_tenant(),
        Index("ix_job_newest", "tenant_id", "created_at", "id"),
        Index("ix_job_state", "tenant_id", "state", "created_at", "id"),
        Index("ix_job_kind", "tenant_id", "kind", "created_at", "id"),
        Index("ix_job_live", "tenant_id", "run_after", postgresql_where=text(_LIVE)),
        Index(
            "uq_job_dedup",
            "tenant_id",
            "dedup_key",
            unique=True,
            postgresql_where=text(f"dedup_key is not null and {_LIVE}"),
        ),
        CheckConstraint("state in (" + ", ".join(f"'{s}'" for s in JOB_STATES) + ")", name="state"),
    )

    kind: Mapped[str]
    queue: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="queued")
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    stage: Mapped[str | None]
    progress_done: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    progress_total: Mapped[int | None] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    max_attempts: Mapped[int] = mapped_column(Integer, server_default=text("3"))
    run_after: Mapped[datetime] = mapped_column(server_default=NOW)
    rung_at: Mapped[datetime | None]
    lease_token: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    leased_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=text("false"))
    dedup_key: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]
    created_by: Mapped[str]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobAttempt(Base):
    """One try of a job, by one worker."""

    __tablename__ = "job_attempt"
    __table_args__ = (PrimaryKeyConstraint("tenant_id", "job_id", "attempt_no"),)

    tenant_id: Mapped[UUID]
    job_id: Mapped[UUID]
    attempt_no: Mapped[int] = mapped_column(Integer)
    worker: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]


class Heartbeat(Base):
    """When a kind of process was last seen alive. Belongs to the installation, not to a tenant."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class Schedule(Base):
    """Housekeeping of the installation that beat's tick starts when it is due."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(primary_key=True)
    every_seconds: Mapped[int] = mapped_column(Integer)
    next_due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    paused_at: Mapped[datetime | None]


class ScheduleRun(Base):
    """One due moment of a schedule, taken once however many beats are ticking."""

    __tablename__ = "schedule_run"
    __table_args__ = (PrimaryKeyConstraint("name", "due_at"),)

    name: Mapped[str]
    due_at: Mapped[datetime]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
