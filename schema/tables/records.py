"""What is written beside the work itself: audit, idempotency, outbox, alerts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant


class AuditLog(TenantKeyed, Base):
    """Who changed what. Written by triggers only, never changed."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_object", "tenant_id", "object_type", "object_id", "recorded_at"),
    )

    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    actor: Mapped[str]
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[UUID | None]
    from_state: Mapped[str | None]
    to_state: Mapped[str | None]
    diff: Mapped[dict[str, Any] | None]
    details: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    request_id: Mapped[str | None]


class ActionIdempotency(Base):
    """The stored answer to a request with an Idempotency-Key."""

    __tablename__ = "action_idempotency"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "key"),
        # Of no use to a look-up by key, which a plan made over an empty table might give to it.
        Index("ix_action_idempotency_age", "created_at", postgresql_using="brin"),
    )

    tenant_id: Mapped[UUID]
    key: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Outbox(TenantKeyed, Base):
    """An event that became true with its transaction and is still to be told."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "tenant_id",
            "created_at",
            postgresql_where=text("published_at is null"),
        ),
    )

    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    published_at: Mapped[datetime | None]


class Alert(TenantKeyed, Timed, Base):
    """Something a person should know, told once until it is resolved."""

    __tablename__ = "alert"
    __table_args__ = (
        of_tenant(),
        Index(
            "uq_alert_open",
            "tenant_id",
            "dedup_key",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("ix_alert_newest", "tenant_id", "created_at", "id"),
        Index("ix_alert_type", "tenant_id", "type", "created_at", "id"),
        CheckConstraint("state in ('open', 'acknowledged', 'resolved')", name="state"),
        CheckConstraint("severity in ('info', 'warning', 'critical')", name="severity"),
    )

    type: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    budget_id: Mapped[UUID | None]
    utilization_percent: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    message: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    dedup_key: Mapped[str]
    acknowledged_by: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
