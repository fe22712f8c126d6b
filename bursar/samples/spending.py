"""Using sample budgets as a company would: charges through the year, commitments, reservations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from bursar.budgets.balances import BALANCE, live
from bursar.errors import Conflict, InvalidInput, NotFound
from bursar.jobs.lease import Lease
from bursar.ledger import operations
from bursar.reports.ranges import Calendar
from bursar.samples.standing import SOURCE
from bursar.telling import tell_noted
from bursar.tenants import get_tenant

_BETWEEN = 30  # days from one invoice to the next
_APART = 7  # days from one budget's invoice to that of the next
_MOST = Decimal("0.65")  # of a year that counts: also at its end there is something left to see


@dataclass(frozen=True, slots=True)
class Use:
    """How a budget is used. At a `pace` of 1 it lasts exactly until its year ends.

    Of what is then left so many percent are `committed` and `reserved`; with `up_to`, so much is
    reserved that this percentage of the budget is used.
    """

    pace: str
    committed: int = 0
    reserved: int = 0
    up_to: int | None = None


USUAL = Use("0.80", 6, 5)
USES: dict[tuple[str, str], Use] = {
    ("Engineering (sample)", "Cloud hosting"): Use("1.05", 10, up_to=84),
    ("Engineering (sample)", "Software licences"): Use("0.92", 15),
    ("Engineering (sample)", "Hardware"): Use("0.60", 25, 10),
    ("Engineering (sample)", "Training"): Use("0.35"),
    ("Marketing (sample)", "Advertising"): Use("1.08", 12, up_to=97),
    ("Marketing (sample)", "Events"): Use("0.70", 20, 15),
    ("Marketing (sample)", "Research"): Use("0.45", 30),
    ("Operations (sample)", "Warehouse rent"): Use("1.00"),
    ("Operations (sample)", "Maintenance"): Use("0.66", 8, 12),
    ("People (sample)", "Recruiting"): Use("0.90", 8, 12),
    ("People (sample)", "Wellbeing"): Use("0.55"),
    ("Finance (sample)", "Insurance"): Use("0.97", 20),
    ("Finance (sample)", "Contingency"): Use("0"),
}


def spend_samples(lease: Lease) -> None:
    """The work of a job of kind `samples.spend`: use the budgets that an import of samples made.

    Each step has a reference of its own, so a second run adds nothing.
    """
    import_id = UUID(lease.payload["import_id"])
    with lease.transaction() as session:
        tenant = get_tenant(session)
        budgets = _budgets(session, import_id)
    calendar = Calendar.of(tenant)
    today = calendar.day_of(datetime.now(UTC))
    year = calendar.fiscal_year_of(today)
    passed = (today - year.starts_on).days
    elapsed = min(_MOST, Decimal(passed) / ((year.ends_on - year.starts_on).days + 1))
    # Another loading has other references: those of one that was removed are used up.
    prefix = f"SAMPLE-{import_id.hex[-6:].upper()}"
    for place, budget in enumerate(budgets, start=1):
        lease.progress(place - 1, len(budgets), "spending")
        lease.checkpoint()
        dated = [calendar.start_of(day) for day in invoice_days(year.starts_on, today, place)]
        _use(lease, budget, f"{prefix}-{place:02}", elapsed, dated)
    lease.progress(len(budgets), len(budgets), "done")
    with lease.transaction() as session:
        tell_noted(session, lease.tenant_id)  # so that the alerts are there with the rest
        lease.end(session, "succeeded")


def invoice_days(first: date, today: date, place: int) -> list[date]:
    """The days before `today` on which a budget's invoices of a year came; today where none has.

    One comes every thirty days, to each `place` on other days.
    """
    due = first + timedelta(days=place * _APART % _BETWEEN)
    count = -(-(today - due).days // _BETWEEN)
    return [due + timedelta(days=_BETWEEN * n) for n in range(count)] or [today]


def _budgets(session: Session, import_id: UUID) -> list[Any]:
    query = live().where(BALANCE.c.import_id == import_id, BALANCE.c.source == SOURCE)
    return list(session.execute(query.order_by(BALANCE.c.department, BALANCE.c.sub_category)).all())


def _use(lease: Lease, budget: Any, ref: str, elapsed: Decimal, dated: list[datetime]) -> None:
    """Use one budget. What somebody has made impossible meanwhile is left out."""
    use = USES.get((budget.department, budget.sub_category), USUAL)
    spent = Decimal(0)
    share = _whole(budget.authorized * elapsed * Decimal(use.pace) / len(dated))
    for number, moment in enumerate(dated, start=1):
        if share > 0 and _charged(lease, budget, share, f"{ref}-INV-{number:02}", moment):
            spent += share
    for what, amount in _holds(use, budget.authorized, spent):
        with suppress(Conflict, NotFound, InvalidInput):
            operations.reserve(
                lease.database, lease.tenant_id, budget.id, amount, budget.currency,
                ref_id=f"{ref}-PO-{what}", actor=lease.actor,
                stage="committed" if what == "C" else "reserved",
            )  # fmt: skip


def _charged(lease: Lease, budget: Any, amount: Decimal, ref: str, moment: datetime) -> bool:
    with suppress(Conflict, NotFound, InvalidInput):
        operations.spend(
            lease.database, lease.tenant_id, budget.id, amount, budget.currency,
            ref_id=ref, actor=lease.actor, reason="Sample invoice", dated=moment,
        )  # fmt: skip
        return True
    return False


def _holds(use: Use, authorized: Decimal, spent: Decimal) -> Iterator[tuple[str, Decimal]]:
    """What is held of a budget: C for an obligation, R and S for reservations, with amounts."""
    left = authorized - spent
    committed = _whole(left * use.committed / 100)
    reserved = _whole(left * use.reserved / 100)
    if use.up_to is not None:
        reserved = _whole(authorized * use.up_to / 100) - spent - committed
    half = _whole(reserved / 2)
    for what, amount in (("C", committed), ("R", half), ("S", reserved - half)):
        if amount > 0:
            yield what, amount


def _whole(amount: Decimal) -> Decimal:
    """In whole units, which every currency has."""
    return amount.quantize(Decimal(1), ROUND_HALF_UP)
