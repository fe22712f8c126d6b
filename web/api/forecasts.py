"""What budgets will do: an estimate of when they run out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field

from bursar.reports.burning import Forecast, forecast
from bursar.reports.forecast import CONFIDENCE_PERCENT, State
from bursar.reports.ranges import Calendar
from bursar.tenants import get_tenant
from web.api.reports_wire import SpanOut, span_wire
from web.api.wire import AmountOut, BudgetPath, CurrencyCode, Out, amount_text, problems
from web.auth import READ, principal, require, transaction

api = APIBlueprint("forecasts", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Reports")])


class ForecastQuery(BaseModel):
    """How far to look back."""

    window_days: int = Field(90, ge=7, le=730, description="Whole days before today.")


class BacktestOut(Out):
    """How the method would have done on the same days, a week ahead from each of them."""

    forecasts: int
    error_percent: str
    covered_percent: str


class ForecastOut(Out):
    """When a budget runs out, if it goes on as it did; an estimate."""

    budget_id: UUID
    currency: CurrencyCode
    today: str
    state: State
    window: SpanOut
    days: int
    used_in_window: AmountOut
    burn_rate_per_day: AmountOut
    available: AmountOut
    runs_out_on: str | None
    earliest: str | None
    latest: str | None
    confidence_percent: int
    period_ends_on: str | None
    balance_at_period_end: AmountOut | None
    available_at_period_end: AmountOut | None
    backtest: BacktestOut | None


@api.get("/budgets/<budget_id>/forecast", responses={"200": ForecastOut, **problems(404)})
@require(READ)
def forecast_budget(path: BudgetPath, query: ForecastQuery) -> Response:
    """What a budget uses a day and when it runs out, with an interval: an estimate."""
    with transaction() as session:
        found = forecast(
            session,
            principal().tenant_id,
            Calendar.of(get_tenant(session)),
            datetime.now(UTC),
            path.budget_id,
            query.window_days,
        )
    return jsonify(_wire(found))


def _wire(found: Forecast) -> dict[str, object]:
    currency, out, tried = found.currency, found.run_out, found.backtest
    return {
        "budget_id": str(found.budget_id),
        "currency": currency,
        "today": found.today.isoformat(),
        "state": out.state,
        "window": span_wire(found.window),
        "days": found.days,
        "used_in_window": amount_text(found.used, currency),
        "burn_rate_per_day": amount_text(out.a_day, currency),
        "available": amount_text(found.available, currency),
        "runs_out_on": _day(out.day),
        "earliest": _day(out.earliest),
        "latest": _day(out.latest),
        "confidence_percent": CONFIDENCE_PERCENT,
        "period_ends_on": _day(found.period_ends_on),
        "balance_at_period_end": amount_text(found.balance_at_end, currency),
        "available_at_period_end": amount_text(found.available_at_end, currency),
        "backtest": tried
        and {
            "forecasts": tried.forecasts,
            "error_percent": str(tried.error_percent),
            "covered_percent": str(tried.covered_percent),
        },
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
