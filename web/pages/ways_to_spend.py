"""The ways to use a budget by hand: what their forms say, and what each posts to the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from bursar.budgets import listing, transfers
from bursar.database import database
from bursar.errors import Fault, InvalidInput
from bursar.ledger import funds, operations
from bursar.ledger.answers import Answer, Retry
from bursar.money import positive_amount
from bursar.reports.ranges import Calendar
from bursar.tenants import get_tenant
from web.api.reservations_wire import LONGEST_HOLD_SECONDS
from web.auth import principal, transaction
from web.idempotency import comes_first
from web.pages import forms
from web.pages.figures import in_words


@dataclass(frozen=True, slots=True)
class Way:
    """A way to use a budget: what its page says, and what posts it and tells of it."""

    title: str
    lead: str
    button: str
    post: Callable[[Any, Retry], str]


def _reserve(budget: Any, retry: Retry) -> str:
    who = principal()
    reference = _reference()
    answer = operations.reserve(
        database(), who.tenant_id, budget.id, _amount(budget), budget.currency,
        ref_id=reference, actor=who.actor, expires_at=_end_of_day(), override=forms.override(),
        retry=retry,
    )  # fmt: skip
    return _said(answer, "set aside", reference)


def _charge(budget: Any, retry: Retry) -> str:
    who = principal()
    reference = _reference()
    reason = forms.written("reason", "A reason", most=500, required=False)
    answer = operations.spend(
        database(), who.tenant_id, budget.id, _amount(budget), budget.currency,
        ref_id=reference, reason=reason or None, actor=who.actor, override=forms.override(),
        retry=retry,
    )  # fmt: skip
    return _said(answer, "spent", reference)


def _topup(budget: Any, retry: Retry) -> str:
    who, amount = principal(), _amount(budget)
    funds.fund(
        database(), who.tenant_id, budget.id, amount, budget.currency,
        reason=forms.written("reason", "A reason", most=500, required=False), actor=who.actor,
        retry=retry,
    )  # fmt: skip
    return f"{in_words(amount, budget.currency)} are added."


def _transfer(budget: Any, retry: Retry) -> str:
    who, amount = principal(), _amount(budget)
    reason = forms.written("reason", "A reason", most=500)
    with transaction() as session:
        taking = _other(session, budget)
        asks = transfers.needs_approval(session, budget.id, amount)
        if asks and comes_first(session, retry):
            transfers.ask(
                session, who.tenant_id, budget.id, taking.id, amount, budget.currency, reason,
                who.actor,
            )  # fmt: skip
    said = f"{in_words(amount, budget.currency)} to {taking.name}"
    if asks:
        return f"The transfer of {said} waits until somebody else approves of it."
    funds.transfer(
        database(), who.tenant_id, budget.id, taking.id, amount, budget.currency,
        reason=reason, actor=who.actor, retry=retry,
    )  # fmt: skip
    return f"{said} has gone over."


WAYS = {
    "reserve": Way(
        "Set money aside",
        "What is set aside is no longer available to others, until it is charged or released.",
        "Set aside", _reserve,
    ),
    "charge": Way(
        "Spend", "Money that is gone already, without having been set aside before.",
        "Spend", _charge,
    ),
    "topup": Way("Add money", "The budget gets this much more.", "Add", _topup),
    "transfer": Way(
        "Move money", "From what is available here to another budget of the same currency.",
        "Move", _transfer,
    ),
}  # fmt: skip


def _amount(budget: Any) -> Any:
    return positive_amount(forms.amount(), budget.currency)


def _reference() -> str:
    """What money is set aside or spent as. Raises InvalidInput."""
    text = forms.written("ref_id", "A reference")
    if "/" in text:  # no address of the API could name it
        raise forms.refused("ref_id", "invalid_reference", "A reference has no slash.")
    return text


def _said(answer: Answer, done: str, reference: str) -> str:
    """What became of money under a reference, which may have been used before."""
    amount = in_words(answer.amount, answer.currency)
    if answer.replayed:
        return (
            f"{reference} stands for {amount} already, which are {answer.state}; nothing was"
            " posted again."
        )
    return f"{amount} are {done} as {reference}."


def _end_of_day() -> datetime | None:
    """The end of the day that a reservation expires on; None where it does not by itself.

    Raises InvalidInput unless it is ahead, and within a hundred years.
    """
    text = forms.written("expires_on", "A day", most=20, required=False)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        with transaction() as session:
            end = Calendar.of(get_tenant(session)).end_of(day)
    except (ValueError, OverflowError):
        raise forms.refused("expires_on", "invalid_day", f"{text!r} is no day.") from None
    if not 0 < (end - datetime.now(UTC)).total_seconds() < LONGEST_HOLD_SECONDS:
        said = "It is held until a day that is ahead, within a hundred years."
        raise forms.refused("expires_on", "invalid_day", said)
    return end


def _other(session: Any, budget: Any) -> Any:
    """The budget that money goes to, by its names. Raises InvalidInput unless it is one."""
    names: dict[str, Any] = {
        "department": forms.written("department", "A department", most=500),
        "sub_category": forms.written("sub_category", "A name", most=500, required=False),
        "fiscal_period": forms.written("fiscal_period", "A fiscal period", most=60),
    }
    named = listing.list_balances(session, limit=50, **names).rows
    found = [one for one in named if one.currency == budget.currency]
    if len(found) != 1:
        said = "Several budgets are called so." if found else "There is no such budget."
        raise InvalidInput(said, faults=[Fault("/department", "unknown_budget", said)])
    return found[0]
