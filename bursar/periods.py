"""The tenant's fiscal periods as rows: found by code or alias, opened when first named."""

from __future__ import annotations

import time
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from bursar import fiscal
from bursar.database import Database
from bursar.errors import Fault, InvalidInput, PeriodClosed
from bursar.tenants import get_tenant
from schema.tables import FiscalPeriod


def require_code(text: str, fiscal_start_month: int) -> str:
    """The canonical code of what a person wrote (`FY25`, `2024-25`, `Q1 2025`).

    Raises InvalidInput when it names no period.
    """
    period = fiscal.resolve(text, fiscal_start_month)
    if period is None:
        raise InvalidInput(
            f"{text!r} is not a fiscal period.",
            faults=[Fault("/fiscal_period", "unknown_period", "Write it like FY2025 or 2025-01.")],
        )
    return period.code


# A tenant's calendar changes once in years, and every check asks for it.
_STARTS_KEPT_SECONDS = 30.0
_starts: dict[UUID, tuple[float, int]] = {}


def fiscal_start(database: Database, tenant_id: UUID) -> int:
    """The month in which the tenant's fiscal year starts."""
    kept = _starts.get(tenant_id)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    with database.transaction(tenant_id) as session:
        month = get_tenant(session).fiscal_start_month
    _starts[tenant_id] = (time.monotonic() + _STARTS_KEPT_SECONDS, month)
    return month


def ensure(
    session: Session, tenant_id: UUID, codes: Iterable[str], fiscal_start_month: int
) -> dict[str, UUID]:
    """Open the periods that do not exist yet; returns the id of each code.

    Raises InvalidInput for a code that names no period.
    """
    wanted = sorted(set(codes))
    if not wanted:
        return {}
    rows = []
    for code in wanted:
        period = fiscal.resolve(code, fiscal_start_month)
        if period is None:
            raise InvalidInput(f"{code!r} is not a fiscal period.")
        rows.append(
            {
                "tenant_id": tenant_id,
                "code": period.code,
                "kind": period.kind,
                "starts_on": period.starts_on,
                "ends_on": period.ends_on,
            }
        )
    session.execute(
        insert(FiscalPeriod)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["tenant_id", "code"])
    )
    found = session.execute(
        select(FiscalPeriod.code, FiscalPeriod.id).where(
            FiscalPeriod.tenant_id == tenant_id, FiscalPeriod.code.in_(wanted)
        )
    ).all()
    return {row.code: row.id for row in found}


def require_open(session: Session, period_id: UUID) -> None:
    """Make sure that a period takes new budgets until the transaction ends. Raises PeriodClosed."""
    query = select(FiscalPeriod).where(FiscalPeriod.id == period_id).with_for_update(read=True)
    period = session.execute(query).scalar_one()
    if period.state != "open":
        raise PeriodClosed(f"{period.code} is closed and takes no new budgets.")
