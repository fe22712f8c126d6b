"""How a budget is controlled: its level, its caps, and the budget above that limits it too."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.orm import Session

from bursar.budgets.balances import get_balance
from bursar.budgets.editing import lock_budget
from bursar.errors import (
    CurrencyMismatch,
    Fault,
    InvalidAmount,
    InvalidInput,
    NotFound,
    VersionStale,
)
from bursar.money import exponents
from schema.tables import BudgetAccount

LEVELS = ("none", "advisory", "absolute")
CAPS = ("control_mode", "soft_cap_pct", "approach_pct", "tolerance_pct", "hard_cap_amount")


def change_control(
    session: Session, tenant_id: UUID, budget_id: UUID, version: int, changes: dict[str, Any]
) -> Any:
    """Change how a budget that is still at `version` is controlled; returns it with its balances.

    `changes` may name those of CAPS, and `parent_id`. Percents are of what is authorized,
    `hard_cap_amount` is in the budget's currency. Raises NotFound, VersionStale, InvalidInput,
    InvalidAmount, CurrencyMismatch.
    """
    budget = lock_budget(session, budget_id)
    if budget.row_version != version:
        raise VersionStale(extra={"current_version": budget.row_version})
    before = get_balance(session, budget_id)
    caps = {name: changes[name] for name in CAPS if name in changes}
    _require_order(caps, before)
    cap: Decimal | None = caps.get("hard_cap_amount")
    if cap is not None and round(cap, exponents()[budget.currency]) != cap:
        raise InvalidAmount(f"{cap} has more decimals than {budget.currency} has.")
    if caps:
        session.execute(
            update(BudgetAccount)
            .where(
                BudgetAccount.tenant_id == tenant_id,
                BudgetAccount.budget_id == budget_id,
                BudgetAccount.line_key.is_(None),
                BudgetAccount.closed_at.is_(None),
            )
            .values(**caps)
        )
    if "parent_id" in changes:
        if changes["parent_id"] is not None:
            try:
                get_balance(session, changes["parent_id"])
            except NotFound:
                raise NotFound("There is no such parent budget.") from None
        budget.parent_id = changes["parent_id"]
    budget.updated_at = func.now()
    session.flush()
    if "parent_id" in changes or "control_mode" in caps:
        _relink(session, tenant_id, budget_id)
    session.expire(budget)
    return get_balance(session, budget_id)


def _require_order(caps: dict[str, Any], before: Any) -> None:
    """A warning stands before the second warning. Raises InvalidInput."""
    soft = caps.get("soft_cap_pct", before.soft_cap_pct)
    approach = caps.get("approach_pct", before.approach_pct)
    if soft > approach:
        raise InvalidInput(
            f"The soft cap ({soft} %) must not lie above the second warning ({approach} %).",
            faults=[Fault("/soft_cap_percent", "caps_crossed", "Lower it, or raise the other.")],
        )


def _relink(session: Session, tenant_id: UUID, budget_id: UUID) -> None:
    outcome = session.execute(
        text("select ledger_relink(:tenant, :budget)"),
        {"tenant": tenant_id, "budget": budget_id},
    ).scalar_one()
    if outcome == "circle":
        raise InvalidInput(
            "A budget cannot stand below itself.",
            faults=[Fault("/parent_id", "circle", "Name a budget that is not below this one.")],
        )
    if outcome == "currency_mismatch":
        raise CurrencyMismatch(
            "A budget that controls others has their currency; set its control to advisory or none."
        )
