"""Budgets that start anew: how often, with what, by hand too, and the periods they have had."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from bursar.budgets.balances import get_balance
from bursar.money import limit_amount
from bursar.period_end import accounts, recurrence, resets
from bursar.period_end.endings import Ending, Rollover
from bursar.period_end.rhythm import PeriodType
from schema.tables import BudgetRecurrence
from web import idempotency
from web.api.wire import (
    AmountIn,
    AmountOut,
    BudgetPath,
    CurrencyCode,
    LongText,
    Model,
    Out,
    Text,
    amount_text,
    problems,
    time_text,
)
from web.auth import ADMIN, FUND, READ, principal, require, transaction

api = APIBlueprint(
    "recurrence", __name__, url_prefix="/api/v1/budgets", abp_tags=[Tag(name="Periods")]
)


class RecurrenceIn(Model):
    """How often a budget starts anew."""

    period_type: PeriodType
    reset_day: int = Field(
        1, ge=1, le=31, description="Day of the month; the last one where a month is shorter."
    )
    calendar: Text | None = Field(None, description="A calendar of your own, for `custom`.")
    rollover: Rollover = "reset"
    rollover_cap: AmountIn | None = Field(
        None, description="The most that is carried of what was left."
    )
    allowance: AmountIn | None = Field(
        None, description="What each period starts with; without it, what was planned before."
    )


class RecurrenceOut(Out):
    """How often a budget starts anew. `failure` says why it last could not, until it can."""

    budget_id: UUID
    period_type: PeriodType
    reset_day: int
    calendar: str | None
    rollover: Rollover
    rollover_cap: AmountOut | None
    allowance: AmountOut | None
    currency: CurrencyCode
    next_reset_on: str | None
    failure: str | None


class ResetIn(Model):
    """A reset by hand. What it says stands in for the budget's own rule."""

    rollover: Rollover | None = None
    rollover_cap: AmountIn | None = None
    reason: LongText = ""
    dry_run: bool = False


class EndingOut(Out):
    """A period that ended: its figures, and what went along to the next.

    authorized − reserved − committed − spent = available, which is unspent − deficit + lapsed.
    """

    budget_id: UUID
    state: Literal["done", "planned", "already_done"]
    currency: CurrencyCode
    period: str | None
    authorized: AmountOut
    reserved: AmountOut
    committed: AmountOut
    spent: AmountOut
    available: AmountOut
    unspent: AmountOut
    commitments: AmountOut
    backing: AmountOut
    deficit: AmountOut
    lapsed: AmountOut
    allowance: AmountOut | None
    holds_carried: int


class ResetOut(Out):
    """What a reset did, and the budget after it. `balance` is what is used."""

    budget_id: UUID
    state: Literal["reset", "planned", "already_reset"]
    currency: CurrencyCode
    period: str | None
    budgeted_amount: AmountOut
    balance: AmountOut
    available: AmountOut
    next_reset_on: str | None
    ended: list[EndingOut]


class PeriodOut(Out):
    """A period of one budget. The open one has no `closed_at`."""

    account_id: UUID
    period: str | None
    starts_on: str | None
    currency: CurrencyCode
    budgeted_amount: AmountOut
    reserved: AmountOut
    committed: AmountOut
    spent: AmountOut
    available: AmountOut
    opened_at: str | None
    closed_at: str | None


class PeriodsOut(Out):
    """The periods of one budget, the present one first."""

    data: list[PeriodOut]


@api.get("/<budget_id>/recurrence", responses={"200": RecurrenceOut, **problems(404)})
@require(READ)
def get_recurrence(path: BudgetPath) -> Response:
    """How often a budget starts anew; `once` where nothing was said."""
    with transaction() as session:
        row = recurrence.get_recurrence(session, path.budget_id)
        return jsonify(_wire(session, path.budget_id, row))


@api.put("/<budget_id>/recurrence", responses={"200": RecurrenceOut, **problems(404)})
@require(FUND)
def set_recurrence(path: BudgetPath, body: RecurrenceIn) -> Response:
    """Let a budget start anew at the end of each period, from the present one on."""
    with transaction() as session:
        currency = get_balance(session, path.budget_id).currency
        amounts = {
            name: None if value is None else limit_amount(value, currency)
            for name in ("rollover_cap", "allowance")
            for value in (getattr(body, name),)
        }
        wanted = recurrence.Recurrence(**(body.model_dump() | amounts))
        row = recurrence.set_recurrence(session, principal().tenant_id, path.budget_id, wanted)
        return jsonify(_wire(session, path.budget_id, row))


@api.post("/<budget_id>/reset", responses={"200": ResetOut, **problems(400, 404, 409)})
@require(ADMIN)
def reset(path: BudgetPath, body: ResetIn) -> Response:
    """Start a budget anew with its present period: once a period, however often it is asked.

    Nothing is rewritten: the period that ended keeps its figures and its entries.
    """
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        currency = get_balance(session, path.budget_id).currency
        cap = body.rollover_cap
        ended = resets.reset(
            session, who.tenant_id, path.budget_id,
            actor=who.actor, reason=body.reason or "reset by hand", rollover=body.rollover,
            cap=None if cap is None else limit_amount(cap, currency), dry_run=body.dry_run,
        )  # fmt: skip
        return idempotency.Answer(200, _reset_wire(session, path.budget_id, ended))

    return idempotency.once(work, body.model_dump())


@api.get("/<budget_id>/periods", responses={"200": PeriodsOut, **problems(404)})
@require(READ)
def list_periods(path: BudgetPath) -> Response:
    """The periods that a budget has had, the present one first, at most 200."""
    with transaction() as session:
        rows = accounts.periods_of(session, path.budget_id)
    return jsonify(
        data=[
            {
                "account_id": str(row.id),
                "period": row.period_code,
                "starts_on": row.period_starts_on and row.period_starts_on.isoformat(),
                "currency": row.currency,
                "budgeted_amount": amount_text(row.authorized, row.currency),
                **{
                    name: amount_text(getattr(row, name), row.currency)
                    for name in ("reserved", "committed", "spent", "available")
                },
                "opened_at": time_text(row.opened_at),
                "closed_at": time_text(row.closed_at),
            }
            for row in rows
        ]
    )


def _wire(session: Session, budget_id: UUID, row: BudgetRecurrence | None) -> dict[str, Any]:
    currency = get_balance(session, budget_id).currency
    if row is None:
        row = BudgetRecurrence(period_type="once", reset_day=1, rollover="reset")
    return {
        "budget_id": str(budget_id),
        **{n: getattr(row, n) for n in ("period_type", "reset_day", "calendar", "rollover")},
        "rollover_cap": amount_text(row.rollover_cap, currency),
        "allowance": amount_text(row.allowance, currency),
        "currency": currency,
        "next_reset_on": row.next_on.isoformat() if row.next_on else None,
        "failure": row.failure,
    }


_STATES = {"done": "reset", "planned": "planned", "already_done": "already_reset"}


def _reset_wire(session: Session, budget_id: UUID, ended: list[Ending]) -> dict[str, Any]:
    now = get_balance(session, budget_id)
    rule = recurrence.get_recurrence(session, budget_id)
    present, *_ = accounts.periods_of(session, budget_id)
    return {
        "budget_id": str(budget_id),
        "state": _STATES[ended[-1].state],
        "currency": now.currency,
        "period": present.period_code,
        "budgeted_amount": amount_text(now.authorized, now.currency),
        "balance": amount_text(now.used, now.currency),
        "available": amount_text(now.available, now.currency),
        "next_reset_on": rule.next_on.isoformat() if rule and rule.next_on else None,
        "ended": [resets.wire_ending(one) for one in ended],
    }
