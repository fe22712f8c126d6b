"""Creating, changing, deleting and restoring budgets."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar import alerts, periods
from bursar.budgets.balances import get_balance
from bursar.errors import (
    BudgetInUse,
    CurrencyNotAllowed,
    DuplicateBudget,
    InvalidInput,
    NotFound,
    VersionStale,
)
from bursar.ledger.answers import answer_of
from bursar.money import require_currency, to_wire
from bursar.tenants import get_tenant
from schema.tables import Budget


@dataclass(frozen=True, slots=True)
class NewBudget:
    """What makes up a budget; `amount` is authorized in `currency`."""

    department: str
    fiscal_period: str
    amount: Decimal
    currency: str
    sub_category: str | None = None
    name: str | None = None
    kind: str = "department"
    account_code: str | None = None
    program: str | None = None
    project: str | None = None
    fund: str | None = None
    owner: str | None = None
    notes: str | None = None
    external_ref: str | None = None


def create_budget(session: Session, tenant_id: UUID, new: NewBudget, actor: str) -> Any:
    """Create a budget and authorize its amount. Returns it with its balances.

    Raises CurrencyNotAllowed, UnknownCurrency, InvalidInput, DuplicateBudget, PeriodClosed.
    """
    tenant = get_tenant(session)
    require_currency(new.currency)
    if new.currency not in tenant.allowed_currencies:
        raise CurrencyNotAllowed(
            f"{tenant.name} keeps budgets in {', '.join(tenant.allowed_currencies)} only."
        )
    if not new.department.strip():
        raise InvalidInput("A budget needs a department.")
    code = periods.require_code(new.fiscal_period, tenant.fiscal_start_month)
    period_ids = periods.ensure(session, tenant_id, [code], tenant.fiscal_start_month)
    periods.require_open(session, period_ids[code])
    budget = Budget(
        tenant_id=tenant_id,
        kind=new.kind,
        name=new.name or " / ".join(filter(None, (new.department, new.sub_category))),
        department=new.department.strip(),
        sub_category=new.sub_category,
        account_code=new.account_code,
        program=new.program,
        project=new.project,
        fund=new.fund,
        fiscal_period=code,
        period_id=period_ids[code],
        currency=new.currency,
        owner=new.owner,
        notes=new.notes,
        external_ref=new.external_ref,
    )
    session.add(budget)
    _flush(session)
    _authorize(session, tenant_id, budget.id, new.amount, "created", actor)
    return get_balance(session, budget.id)


Status = Literal["planned", "active", "frozen", "finalized", "archived"]
STATUSES: tuple[str, ...] = get_args(Status)
ALWAYS_THERE = ("name", "status")
EDITABLE = ("name", "owner", "notes", "external_ref", "status")


def edit_budget(
    session: Session,
    tenant_id: UUID,
    budget_id: UUID,
    version: int,
    changes: dict[str, Any],
    actor: str,
    override: str | None = None,
    read_amount: Decimal | None = None,
) -> Any:
    """Change a budget that is still at `version`; a new `amount` is posted as an adjustment.

    Where it is known that `read_amount` was seen before, the amount is to be that still: postings
    move it without making a new version.

    Under absolute control it falls below what is used only with a reason to `override`; the caller
    has made sure of the right to. Raises NotFound, VersionStale (with the present version),
    BudgetFrozen, PeriodClosed, BelowUsed, InvalidAmount, InvalidInput for an unknown status.
    """
    if changes.get("status") not in (None, *STATUSES):
        raise InvalidInput(f"A budget is one of {', '.join(STATUSES)}.")
    budget = lock_budget(session, budget_id)
    if budget.row_version != version:
        raise VersionStale(
            f"The budget is at version {budget.row_version}, not {version}. Read it again.",
            extra={"current_version": budget.row_version},
        )
    if changes.get("amount") is not None and read_amount is not None:
        _require_amount(session, tenant_id, budget, read_amount)
    finalized = changes.get("status") == "finalized" != budget.status
    for name in EDITABLE:
        # Owner, notes and reference can be emptied; a budget always has a name and a status.
        if name in changes and (changes[name] is not None or name not in ALWAYS_THERE):
            setattr(budget, name, changes[name])
    if changes.get("status") is not None:
        _freeze(session, tenant_id, budget_id, frozen=changes["status"] != "active")
    budget.updated_at = func.now()  # a change of the amount alone is a new version too
    _flush(session)
    if changes.get("amount") is not None:
        reason = f"override: {override}" if override else "edited"
        _authorize(session, tenant_id, budget_id, changes["amount"], reason, actor, override)
    session.expire(budget)
    row = get_balance(session, budget_id)
    if finalized:
        alerts.raise_for_variance(
            session, tenant_id, budget_id, row.name, row.authorized, row.spent, row.currency,
            Decimal(str(get_tenant(session).settings.get("variance_limit_percent", 10))),
        )  # fmt: skip
    return row


def _require_amount(
    session: Session, tenant_id: UUID, budget: Budget, read_amount: Decimal
) -> None:
    """Lock the account of a budget. Raises VersionStale unless its amount is what was read."""
    session.execute(select(func.ledger_lock(tenant_id, budget.id)))
    now = get_balance(session, budget.id).authorized
    if now != read_amount:
        raise VersionStale(
            f"The budget is of {to_wire(now, budget.currency)} {budget.currency} by now, not of"
            f" {to_wire(read_amount, budget.currency)}. Read it again.",
            extra={
                "current_version": budget.row_version,
                "current_amount": to_wire(now, budget.currency),
            },
        )


def delete_budget(session: Session, budget_id: UUID) -> None:
    """Hide a budget; its entries stay. Raises NotFound, BudgetInUse."""
    budget = lock_budget(session, budget_id)
    # Freezing locks the account: no reservation can come between the look and the deletion.
    _freeze(session, budget.tenant_id, budget_id, frozen=True)
    balance = get_balance(session, budget_id)
    if balance.reserved or balance.committed:
        raise BudgetInUse
    budget.deleted_at = func.now()
    session.flush()


def restore_budget(session: Session, budget_id: UUID) -> Any:
    """Bring a deleted budget back. Raises NotFound, DuplicateBudget when its place is taken."""
    budget = session.execute(
        select(Budget).where(Budget.id == budget_id).with_for_update()
    ).scalar_one_or_none()
    if budget is None:
        raise NotFound("There is no such budget.")
    if budget.deleted_at is not None:
        budget.deleted_at = None
        _flush(session)
        _freeze(session, budget.tenant_id, budget_id, frozen=budget.status != "active")
    return get_balance(session, budget_id)


def lock_budget(session: Session, budget_id: UUID) -> Budget:
    """A budget whose row nobody else changes until the transaction ends. Raises NotFound."""
    budget = session.execute(
        select(Budget)
        .where(Budget.id == budget_id, Budget.deleted_at.is_(None))
        .with_for_update(key_share=True)
    ).scalar_one_or_none()
    if budget is None:
        raise NotFound("There is no such budget.")
    return budget


def lock_balances(session: Session, tenant_id: UUID, budget_id: UUID) -> None:
    """Lock a budget and then, as postings do, its account. Raises NotFound."""
    lock_budget(session, budget_id)
    session.execute(select(func.ledger_lock(tenant_id, budget_id)))


def _authorize(
    session: Session, tenant_id: UUID, budget_id: UUID, amount: Decimal, reason: str, actor: str,
    override: str | None = None,
) -> None:  # fmt: skip
    row = session.execute(
        text(
            "select * from ledger_authorize(:tenant, :budget, :amount, :reason, :actor, :override)"
        ),
        {
            "tenant": tenant_id,
            "budget": budget_id,
            "amount": amount,
            "reason": reason,
            "actor": actor,
            "override": override,
        },
    ).one()
    answer_of(row)


def _freeze(session: Session, tenant_id: UUID, budget_id: UUID, *, frozen: bool) -> None:
    session.execute(
        text(
            "update budget_account set frozen = :frozen or frozen_for is not null"
            " or period_state is not null"
            " where tenant_id = :tenant and budget_id = :budget and closed_at is null"
        ),
        {"tenant": tenant_id, "budget": budget_id, "frozen": frozen},
    )


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        if "uq_budget_natural_key" in str(error.orig):
            raise DuplicateBudget from None
        raise
