"""Fiscal periods: list them, add those of a calendar of your own, close and reopen them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, g, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from bursar.errors import PeriodEndRunning
from bursar.jobs import rows as jobs
from bursar.jobs.rows import Bell
from bursar.money import limit_amount
from bursar.period_end import closing, fiscal_periods
from bursar.period_end.asking import ask_to_close
from bursar.period_end.endings import Rollover
from schema.tables import FiscalPeriod
from web import idempotency
from web.api.wire import AmountIn, ListQuery, LongText, Model, Out, Text, problems
from web.auth import ADMIN, FUND, READ, principal, require, transaction
from web.jobs import announce

api = APIBlueprint(
    "periods", __name__, url_prefix="/api/v1/periods", abp_tags=[Tag(name="Periods")]
)

State = Literal["open", "soft_closed", "closed"]


class FiscalPeriodIn(Model):
    """A period of a calendar of your own. Both days belong to it."""

    code: Text
    calendar: Text
    starts_on: date
    ends_on: date


class FiscalPeriodOut(Out):
    """A span of the tenant's calendar."""

    id: UUID
    code: str
    kind: Literal["year", "quarter", "month", "custom"]
    starts_on: str
    ends_on: str
    calendar: str | None
    state: State


class FiscalPeriodPage(Out):
    """A page of periods."""

    data: list[FiscalPeriodOut]
    next_cursor: str | None


class PeriodFilter(ListQuery):
    """Which periods."""

    state: State | None = None
    calendar: Text | None = None
    sort: Annotated[str, Field(max_length=40)] = "-starts_on"


class PeriodPath(BaseModel):
    """Which period, by its code."""

    code: Annotated[str, Field(max_length=100)]


class CloseIn(Model):
    """How a period is closed for good."""

    rollover: Rollover
    rollover_cap: AmountIn | None = Field(
        None, description="The most that is carried of what was left, in each budget's currency."
    )
    next: Text | None = Field(None, description="The period that takes over; the following one.")
    reason: LongText = ""
    dry_run: bool = False


class PeriodStateOut(FiscalPeriodOut):
    """A period, and how many of its budgets were opened or closed."""

    budgets: int


class ResetAllIn(Model):
    """A run over all budgets whose period is over."""

    dry_run: bool = False


class PeriodJobOut(Out):
    """The job that does it; its `result` says what came of it."""

    job_id: UUID


@api.get("", responses={"200": FiscalPeriodPage, **problems()})
@require(READ)
def list_periods(query: PeriodFilter) -> Response:
    """List fiscal periods, the latest first; `sort` takes starts_on, code."""
    with transaction() as session:
        found = fiscal_periods.list_periods(session, **query.model_dump())
        return jsonify(data=[_wire(row) for row in found.rows], next_cursor=found.next_cursor)


@api.post("", responses={"201": FiscalPeriodOut, **problems(400, 409)})
@require(FUND)
def add_period(body: FiscalPeriodIn) -> Response:
    """Add a period to a calendar of your own, for budgets that start anew by it."""

    def work(session: Session) -> idempotency.Answer:
        made = fiscal_periods.add_period(session, principal().tenant_id, **body.model_dump())
        return idempotency.Answer(201, _wire(made))

    return idempotency.once(work, body.model_dump(mode="json"))


@api.post("/reset", responses={"202": PeriodJobOut, **problems(400, 409)})
@require(ADMIN)
def reset_all(body: ResetAllIn) -> Response:
    """Start anew all budgets whose period is over, as the schedule does; or say what would be."""

    def work(session: Session) -> idempotency.Answer:
        # A dry run waits for nobody; two real ones at once would only wait for each other.
        key = "periods.reset.dry" if body.dry_run else "periods.reset"
        return _started(session, "periods.reset", {"dry_run": body.dry_run}, key)

    return idempotency.once(work, body.model_dump())


@api.post("/<code>/soft-close", responses={"200": PeriodStateOut, **problems(400, 404, 409)})
@require(ADMIN)
def soft_close(path: PeriodPath) -> Response:
    """Let nothing new be used of a period's budgets; what was begun may still end."""
    return _moved(closing.soft_close, path.code)


@api.post("/<code>/reopen", responses={"200": PeriodStateOut, **problems(400, 404, 409)})
@require(ADMIN)
def reopen(path: PeriodPath) -> Response:
    """Take a soft close back. A period that is closed for good stays so."""
    return _moved(closing.reopen, path.code)


@api.post("/<code>/close", responses={"202": PeriodJobOut, **problems(400, 404, 409)})
@require(ADMIN)
def close(path: PeriodPath, body: CloseIn) -> Response:
    """Close a period for good, and carry on in the next by the rule; or say what would go along.

    What comes late for a reservation of a closed period goes to the open one, with its money.
    """
    who = principal()
    cap = None if body.rollover_cap is None else limit_amount(body.rollover_cap, None)

    def work(session: Session) -> idempotency.Answer:
        bell = ask_to_close(
            session, who.tenant_id, path.code,
            rollover=body.rollover, rollover_cap=cap, next_code=body.next, reason=body.reason,
            dry_run=body.dry_run, actor=who.actor, request_id=g.request_id,
        )  # fmt: skip
        return _answer(bell)

    return idempotency.once(work, body.model_dump())


def _started(
    session: Session, kind: str, payload: dict[str, Any], dedup_key: str
) -> idempotency.Answer:
    who = principal()
    bell = jobs.enqueue_once(
        session, who.tenant_id, kind, payload,
        actor=who.actor, dedup_key=dedup_key, request_id=g.request_id,
    )  # fmt: skip
    if bell is None:
        raise PeriodEndRunning
    return _answer(bell)


def _answer(bell: Bell) -> idempotency.Answer:
    return idempotency.Answer(
        202,
        {"job_id": str(bell.job_id)},
        {"Location": f"/api/v1/jobs/{bell.job_id}"},
        after_commit=lambda: announce(bell),
    )


def _moved(step: Any, code: str) -> Response:
    def work(session: Session) -> idempotency.Answer:
        period, budgets = step(session, principal().tenant_id, code)
        return idempotency.Answer(200, _wire(period) | {"budgets": budgets})

    return idempotency.once(work, None)


def _wire(period: FiscalPeriod) -> dict[str, Any]:
    return {
        "id": str(period.id),
        **{name: getattr(period, name) for name in ("code", "kind", "calendar", "state")},
        "starts_on": period.starts_on.isoformat(),
        "ends_on": period.ends_on.isoformat(),
    }
