"""Lists as people have kept them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from schema.tables.base import Base, TenantKeyed, Timed, of_tenant


class SavedView(TenantKeyed, Timed, Base):
    """Filters and order of the list of budgets under a name: of one person, or shared with all."""

    __tablename__ = "saved_view"
    __table_args__ = (
        of_tenant(),
        Index("uq_saved_view_name", "tenant_id", "user_id", text("lower(name)"), unique=True),
        CheckConstraint("length(name) between 1 and 80", name="name"),
    )

    user_id: Mapped[UUID]
    name: Mapped[str]
    query: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
