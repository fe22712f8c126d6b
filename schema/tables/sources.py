"""Where files come from by themselves: sources, their secrets, what was seen, and each run."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant, within_tenant

SOURCE_TYPES = ("sftp", "s3", "sheets", "folder")
DRIFT_POLICIES = ("ask", "evolve", "freeze")
STALE_POLICIES = ("ignore", "manual", "refuse")
AFTER_ACTIONS = ("leave", "move", "tag")
FILE_STATES = (
    "settling", "ready", "taken", "importing", "waiting", "imported", "failed", "skipped",
)  # fmt: skip
RUN_STATES = ("queued", "running", "succeeded", "partial", "failed", "skipped")


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} in ({listed})", name=column)


class Source(TenantKeyed, Timed, Base):
    """A place that files come from on a schedule.

    `schedule` and `expected_by` are cron expressions in `time_zone`. `failures` counts failed runs
    in a row; until `held_until` the schedule leaves a failing source alone. While `is_stale`, as
    its file is late, `stale_policy` says what becomes of checks of its budgets.
    """

    __tablename__ = "source"
    __table_args__ = (
        of_tenant(),
        Index(
            "uq_source_name", "tenant_id", text("lower(name)"), unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_source_active", "tenant_id", "is_active", "next_due_at"),
        Index(  # across tenants, for the tick
            "ix_source_due", text("least(next_due_at, next_expected_at)"),
            postgresql_where=text("is_active and deleted_at is null"),
        ),
        _one_of("type", SOURCE_TYPES),
        _one_of("drift_policy", DRIFT_POLICIES),
        _one_of("after_action", AFTER_ACTIONS),
        _one_of("stale_policy", STALE_POLICIES),
        CheckConstraint("mode in ('all_or_nothing', 'skip_errors')", name="mode"),
    )  # fmt: skip

    name: Mapped[str]
    type: Mapped[str]
    config: Mapped[dict[str, Any]]
    schedule: Mapped[str | None]
    time_zone: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    expected_by: Mapped[str | None]
    drift_policy: Mapped[str] = mapped_column(server_default="ask")
    mode: Mapped[str] = mapped_column(server_default="all_or_nothing")
    mapping_template_id: Mapped[UUID | None]
    defaults: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    after_action: Mapped[str] = mapped_column(server_default="leave")
    settle_seconds: Mapped[int] = mapped_column(Integer, server_default=text("60"))
    next_due_at: Mapped[datetime | None]
    next_expected_at: Mapped[datetime | None]
    last_sync_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_file_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    held_until: Mapped[datetime | None]
    stale_policy: Mapped[str] = mapped_column(server_default="manual")
    is_stale: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[str]
    deleted_at: Mapped[datetime | None]


class SourceSecret(TenantKeyed, Timed, Base):
    """What signs in at a source, encrypted; `id` is the source's. `key_id` names the key."""

    __tablename__ = "source_secret"
    __table_args__ = (within_tenant("id", "source"),)

    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]


class SourceRun(TenantKeyed, Timed, Base):
    """One look at a source: when it was due, what was found and taken, and how it ended."""

    __tablename__ = "source_run"
    __table_args__ = (
        within_tenant("source_id", "source"),
        Index("uq_source_run_due", "tenant_id", "source_id", "due_at", "trigger", unique=True),
        Index("ix_source_run_newest", "tenant_id", "source_id", "created_at", "id"),
        _one_of("state", RUN_STATES),
        CheckConstraint("trigger in ('schedule', 'manual', 'follow_up', 'retry')", name="trigger"),
    )

    source_id: Mapped[UUID]
    trigger: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(server_default=NOW)
    job_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default="queued")
    files_seen: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    files_taken: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    files_failed: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SourceFile(TenantKeyed, Timed, Base):
    """One revision of one file of a source, and what became of it."""

    __tablename__ = "source_file"
    __table_args__ = (
        within_tenant("source_id", "source"),
        Index("uq_source_file", "tenant_id", "source_id", "path", "revision", unique=True),
        Index("ix_source_file_newest", "tenant_id", "source_id", "created_at", "id"),
        Index(
            "ix_source_file_import", "tenant_id", "import_id",
            postgresql_where=text("import_id is not null"),
        ),
        Index(
            "ix_source_file_going", "tenant_id", "source_id",
            postgresql_where=text("state in ('importing', 'waiting')"),
        ),
        Index(
            "ix_source_file_failed", "tenant_id", "import_id",
            postgresql_where=text("state = 'failed' and import_id is not null"),
        ),
        _one_of("state", FILE_STATES),
    )  # fmt: skip

    source_id: Mapped[UUID]
    path: Mapped[str]
    revision: Mapped[str]
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    modified_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default="settling")
    last_seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    file_id: Mapped[UUID | None]
    import_id: Mapped[UUID | None]
    error: Mapped[dict[str, Any] | None]
    settled_at: Mapped[datetime | None]
