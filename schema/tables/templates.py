"""What a tenant has confirmed about files of one shape, so that nobody is asked twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant, within_tenant


class MappingTemplate(TenantKeyed, Timed, Base):
    """The remembered mapping of files whose headers have one fingerprint, as it stands now.

    `headers` and `targets` go side by side, one an index of the table's columns.
    """

    __tablename__ = "mapping_template"
    __table_args__ = (
        of_tenant(),
        Index(
            "uq_mapping_template_fingerprint",
            "tenant_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        CheckConstraint(
            "jsonb_array_length(headers) = jsonb_array_length(targets)", name="targets"
        ),
    )

    name: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    headers: Mapped[list[Any]]
    targets: Mapped[list[Any]]
    defaults: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    answers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    force_kind: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[str]
    updated_by: Mapped[str]
    deleted_at: Mapped[datetime | None]


class MappingTemplateVersion(Base):
    """What a template said in each of its versions, who changed it, and what the replay showed."""

    __tablename__ = "mapping_template_version"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "template_id", "version"),
        within_tenant("template_id", "mapping_template"),
    )

    tenant_id: Mapped[UUID]
    template_id: Mapped[UUID]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    replay: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=NOW)
