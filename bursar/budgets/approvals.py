"""The tenant's rules: up to which amount a check, or a transfer, asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar.errors import DuplicateRule, NotFound, VersionStale
from bursar.money import require_currency
from bursar.paging import Page, page
from schema.tables import ApprovalRule, CheckDecision


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule for a department and a currency, or for all where these are None."""

    name: str
    auto_approve_up_to: Decimal
    department: str | None = None
    currency: str | None = None
    covers: str = "checks"


def create_rule(session: Session, tenant_id: UUID, new: NewRule, actor: str) -> ApprovalRule:
    """Make a rule. Raises UnknownCurrency, DuplicateRule."""
    if new.currency is not None:
        require_currency(new.currency)
    rule = ApprovalRule(
        tenant_id=tenant_id,
        name=new.name,
        department=new.department,
        currency=new.currency,
        covers=new.covers,
        auto_approve_up_to=new.auto_approve_up_to,
        created_by=actor,
    )
    session.add(rule)
    _flush(session)
    session.refresh(rule)
    return rule


def change_rule(
    session: Session, rule_id: UUID, version: int, changes: dict[str, Any]
) -> ApprovalRule:
    """Change name, amount or whether it is active. Raises NotFound, VersionStale, DuplicateRule."""
    rule = session.execute(
        select(ApprovalRule).where(ApprovalRule.id == rule_id).with_for_update()
    ).scalar_one_or_none()
    if rule is None:
        raise NotFound("There is no such rule.")
    if rule.row_version != version:
        raise VersionStale(extra={"current_version": rule.row_version})
    for name, value in changes.items():
        setattr(rule, name, value)
    rule.updated_at = func.now()
    _flush(session)
    session.refresh(rule)
    return rule


def get_rule(session: Session, rule_id: UUID) -> ApprovalRule:
    """A rule of this tenant. Raises NotFound."""
    rule = session.execute(
        select(ApprovalRule).where(ApprovalRule.id == rule_id)
    ).scalar_one_or_none()
    if rule is None:
        raise NotFound("There is no such rule.")
    return rule


def list_rules(session: Session, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A page of rules, newest first."""
    return page(
        session,
        select(ApprovalRule),
        columns={"created_at": ApprovalRule.__table__.c.created_at},
        key=ApprovalRule.__table__.c.id,
        limit=limit,
        cursor=cursor,
    )


def get_decision(session: Session, decision_id: UUID) -> CheckDecision:
    """A decision that was given, with its reasons. Raises NotFound."""
    decision = session.execute(
        select(CheckDecision).where(CheckDecision.id == decision_id)
    ).scalar_one_or_none()
    if decision is None:
        raise NotFound("There is no such decision.")
    return decision


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        if "uq_approval_rule" in str(error.orig):
            raise DuplicateRule from None
        raise
