"""Transfers between budgets: at once, or when somebody else has approved of them."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from bursar import alerts
from bursar.budgets.balances import get_balance
from bursar.errors import AlreadyDecided, CurrencyMismatch, NotFound, SameBudget, SelfApproval
from bursar.ledger.answers import Answer, answer_of
from bursar.money import to_wire
from bursar.paging import Page, page
from schema.tables import ApprovalRule, Budget, TransferRequest

_TRANSFER = text(
    "select * from ledger_transfer(:tenant, :giving, :taking, :amount, :currency, :reason, :actor)"
)


def needs_approval(session: Session, giving: UUID, amount: Decimal) -> bool:
    """Whether a rule for transfers wants somebody to approve of taking this much from a budget.

    Of several rules the one that says most decides; without one nobody is asked. Raises NotFound.
    """
    budget = session.execute(
        select(Budget.department_key, Budget.currency).where(
            Budget.id == giving, Budget.deleted_at.is_(None)
        )
    ).first()
    if budget is None:
        raise NotFound("There is no such budget.")
    most = session.execute(
        select(ApprovalRule.auto_approve_up_to)
        .where(
            ApprovalRule.is_active,
            ApprovalRule.covers == "transfers",
            or_(
                ApprovalRule.department_key.is_(None),
                ApprovalRule.department_key == budget.department_key,
            ),
            or_(ApprovalRule.currency.is_(None), ApprovalRule.currency == budget.currency),
        )
        .order_by(ApprovalRule.department_key.is_(None), ApprovalRule.currency.is_(None))
        .limit(1)
    ).scalar()
    return most is not None and amount > most


def ask(
    session: Session, tenant_id: UUID, giving: UUID, taking: UUID, amount: Decimal, currency: str,
    reason: str, actor: str,
) -> TransferRequest:  # fmt: skip
    """Ask for a transfer; nothing moves until it is approved.

    Raises NotFound, SameBudget, CurrencyMismatch.
    """
    if giving == taking:
        raise SameBudget
    budgets = [get_balance(session, budget_id) for budget_id in (giving, taking)]
    if any(budget.currency != currency for budget in budgets):
        raise CurrencyMismatch
    request = TransferRequest(
        tenant_id=tenant_id, giving_id=giving, taking_id=taking, amount=amount, currency=currency,
        reason=reason, requested_by=actor,
    )  # fmt: skip
    session.add(request)
    session.flush()
    alerts.raise_alert(
        session, tenant_id, "transfer_pending", "info",
        f"A transfer of {to_wire(amount, currency)} {currency} from {budgets[0].name}"
        f" to {budgets[1].name} waits for approval.",
        {"transfer_request_id": request.id, "requested_by": actor}, _key(request.id),
        budget_id=giving,
    )  # fmt: skip
    return request


def approve(
    session: Session, tenant_id: UUID, request_id: UUID, actor: str, reason: str
) -> tuple[TransferRequest, Answer, Answer]:
    """Approve of a transfer and make it; both accounts after it, the giving first.

    Raises NotFound, AlreadyDecided, SelfApproval, and whatever the ledger refuses a transfer for;
    then it still waits.
    """
    request = _decide(session, request_id, actor, reason, "approved")
    rows = session.execute(
        _TRANSFER,
        {
            "tenant": tenant_id, "giving": request.giving_id, "taking": request.taking_id,
            "amount": request.amount, "currency": request.currency, "actor": actor,
            "reason": f"{request.reason} (asked for by {request.requested_by})",
        },
    ).all()  # fmt: skip
    gave, took = [answer_of(row) for row in rows]
    request.ref_id = gave.ref_id
    session.flush()
    alerts.resolve_key(session, tenant_id, _key(request.id), actor)
    return request, gave, took


def reject(
    session: Session, tenant_id: UUID, request_id: UUID, actor: str, reason: str
) -> TransferRequest:
    """Refuse a transfer; who asked for it may take it back so. Raises NotFound, AlreadyDecided."""
    request = _decide(session, request_id, actor, reason, "rejected")
    session.flush()
    alerts.resolve_key(session, tenant_id, _key(request.id), actor)
    return request


def get_request(session: Session, request_id: UUID, *, lock: bool = False) -> TransferRequest:
    """A transfer that was asked for. Raises NotFound."""
    query = select(TransferRequest).where(TransferRequest.id == request_id)
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such transfer request.")
    return found


def list_requests(
    session: Session, *, state: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of the transfers that were asked for, newest first."""
    query = select(TransferRequest)
    if state is not None:
        query = query.where(TransferRequest.state == state)
    columns = {"created_at": TransferRequest.__table__.c.created_at}
    key = TransferRequest.__table__.c.id
    found = page(session, query, columns=columns, key=key, limit=limit, cursor=cursor)
    return Page([row.TransferRequest for row in found.rows], found.next_cursor)


def _decide(
    session: Session, request_id: UUID, actor: str, reason: str, state: str
) -> TransferRequest:
    request = get_request(session, request_id, lock=True)
    if request.state != "pending":
        raise AlreadyDecided(f"The transfer was {request.state} already.")
    if state == "approved" and request.requested_by == actor:
        raise SelfApproval
    request.state, request.decided_by, request.decision_reason = state, actor, reason or None
    request.decided_at = session.execute(select(func.now())).scalar_one()
    return request


def _key(request_id: UUID) -> str:
    return f"transfer_pending:{request_id}"
