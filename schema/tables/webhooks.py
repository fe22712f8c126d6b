"""Who outside is told of events, and each telling."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant, within_tenant


class WebhookEndpoint(TenantKeyed, Timed, Base):
    """An address that events are sent to, signed with a secret of its own.

    After a rotation the old secret signs too until `old_until`. No `events` means all of them.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        of_tenant(),
        Index("ix_webhook_endpoint_newest", "tenant_id", "created_at", "id"),
    )

    url: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    events: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str]
    old_until: Mapped[datetime | None]
    created_by: Mapped[str]
    deleted_at: Mapped[datetime | None]


class WebhookDelivery(TenantKeyed, Timed, Base):
    """One event for one endpoint, sent until it is taken; `event_id` stays over all attempts."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        within_tenant("endpoint_id", "webhook_endpoint"),
        Index("uq_webhook_delivery_event", "tenant_id", "endpoint_id", "event_id", unique=True),
        Index("ix_webhook_delivery_newest", "tenant_id", "endpoint_id", "created_at", "id"),
        Index(
            "ix_webhook_delivery_due", "tenant_id", "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
        CheckConstraint("state in ('pending', 'delivered', 'dead')", name="state"),
    )  # fmt: skip

    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=NOW)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None]
    delivered_at: Mapped[datetime | None]
