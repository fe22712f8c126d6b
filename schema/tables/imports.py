"""Files, imports of them, and the lineage of each row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import NOW, Base, TenantKeyed, Timed, of_tenant, within_tenant

IMPORT_STATES = (
    "received",
    "profiled",
    "awaiting_mapping",
    "planned",
    "applying",
    "completed",
    "completed_with_errors",
    "failed",
    "cancelled",
    "undone",
)


class StoredFile(TenantKeyed, Base):
    """A file as it came in; its bytes lie in the file store under their hash."""

    __tablename__ = "stored_file"
    __table_args__ = (of_tenant(), Index("ix_stored_file_sha256", "tenant_id", "sha256"))

    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ImportRun(TenantKeyed, Timed, Base):
    """One import of one file: what was asked, what was planned, what came of it.

    A run with `continues_id` loads rows that the named run rejected, mended and sent again.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        of_tenant(),
        within_tenant("file_id", "stored_file"),
        Index("ix_import_run_newest", "tenant_id", "created_at", "id"),
        Index("ix_import_run_state", "tenant_id", "state", "created_at"),
        Index(
            "uq_import_run_live_fingerprint",
            "tenant_id",
            "fingerprint",
            unique=True,
            postgresql_where=text("state in ('completed', 'completed_with_errors', 'applying')"),
        ),
        Index(
            "ix_import_run_continues",
            "tenant_id",
            "continues_id",
            postgresql_where=text("continues_id is not null"),
        ),
        Index(
            "ix_import_run_headers",
            "tenant_id",
            "header_fingerprint",
            "created_at",
            postgresql_where=text("header_fingerprint is not null"),
        ),
        CheckConstraint(
            "state in (" + ", ".join(f"'{s}'" for s in IMPORT_STATES) + ")", name="state"
        ),
        CheckConstraint("mode in ('all_or_nothing', 'skip_errors')", name="mode"),
    )

    file_id: Mapped[UUID]
    job_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default="received")
    source_type: Mapped[str] = mapped_column(server_default="upload")
    mode: Mapped[str] = mapped_column(server_default="all_or_nothing")
    apply: Mapped[bool] = mapped_column(server_default=text("true"))
    force_kind: Mapped[bool] = mapped_column(server_default=text("false"))
    allow_below_used: Mapped[bool] = mapped_column(server_default=text("false"))
    sheet: Mapped[str | None]
    header_row: Mapped[int | None] = mapped_column(Integer)
    mapping: Mapped[dict[str, Any] | None]
    defaults: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    answers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    header_fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    template_id: Mapped[UUID | None]
    template_version: Mapped[int | None]
    analysis: Mapped[dict[str, Any] | None]
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    total_rows: Mapped[int] = mapped_column(server_default=text("0"))
    created_rows: Mapped[int] = mapped_column(server_default=text("0"))
    updated_rows: Mapped[int] = mapped_column(server_default=text("0"))
    unchanged_rows: Mapped[int] = mapped_column(server_default=text("0"))
    rejected_rows: Mapped[int] = mapped_column(server_default=text("0"))
    amounts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    warnings: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    error: Mapped[dict[str, Any] | None]
    duplicate_of: Mapped[UUID | None]
    continues_id: Mapped[UUID | None]
    consequences: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    undo: Mapped[dict[str, Any] | None]
    history: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    """Each state it has been in, and since when. A trigger writes it."""
    created_by: Mapped[str]
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]


class ImportRow(Base):
    """What one row of the file became: the plan before it is applied, the lineage after.

    No foreign keys: the planner writes these rows in bulk inside its run's transaction, and
    neither runs nor budgets are ever deleted.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        PrimaryKeyConstraint("tenant_id", "import_id", "row_no", "part"),
        Index(
            "ix_import_row_rejected",
            "tenant_id",
            "import_id",
            "row_no",
            "part",
            postgresql_where=text("action = 'rejected'"),
        ),
        Index(
            "ix_import_row_budget",
            "tenant_id",
            "import_id",
            "budget_id",
            postgresql_where=text("action in ('create', 'update')"),
        ),
        CheckConstraint("action in ('create', 'update', 'unchanged', 'rejected')", name="action"),
    )

    tenant_id: Mapped[UUID]
    import_id: Mapped[UUID]
    row_no: Mapped[int] = mapped_column(Integer)
    part: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    action: Mapped[str]
    budget_id: Mapped[UUID | None]
    department: Mapped[str | None]
    sub_category: Mapped[str | None]
    fiscal_period: Mapped[str | None]
    currency: Mapped[str | None] = mapped_column(CHAR(3))
    amount: Mapped[Decimal | None]
    before_amount: Mapped[Decimal | None]
    after_amount: Mapped[Decimal | None]
    details: Mapped[dict[str, Any] | None]
    errors: Mapped[list[Any] | None]
