"""Fiscal periods: which are open, closing them in two steps, and calendars of one's own."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for

from bursar.errors import BursarError, NotFound
from bursar.jobs import rows as jobs
from bursar.money import limit_amount
from bursar.period_end import asking, closing, fiscal_periods
from bursar.period_end.endings import ROLLOVERS
from schema.tables import Job
from web.auth import ADMIN, principal, require, transaction
from web.jobs import announce
from web.pages import forms
from web.pages.drawing import ROLLOVER_WORDS
from web.pages.going import uuid_or_none
from web.problems import status_of

blueprint = Blueprint("period_pages", __name__, url_prefix="/settings/periods")
STATES = {
    "open": ("Open", "good", "check"),
    "soft_closed": ("Soft-closed", "warn", "triangle"),
    "closed": ("Closed for good", "calm", "dash"),
}


@blueprint.get("")
@require(ADMIN)
def index() -> Any:
    """All periods, the latest first, and a form for one of a calendar of one's own."""
    return _index()


@blueprint.post("")
@require(ADMIN)
def add() -> Any:
    """Add a period to a calendar of one's own."""
    try:
        code = forms.written("code", "A name", most=100)
        calendar = forms.written("calendar", "A calendar", most=100)
        starts_on, ends_on = _day("starts_on"), _day("ends_on")
        with transaction() as session:
            fiscal_periods.add_period(
                session, principal().tenant_id, code, starts_on, ends_on, calendar
            )
    except BursarError as refusal:
        return _index(refusal)
    flash(f"The period {code} is added.")
    return redirect(url_for("period_pages.index"), 303)


@blueprint.post("/<uuid:period_id>/soft-close")
@blueprint.post("/<uuid:period_id>/reopen", endpoint="reopen")
@require(ADMIN)
def soft_close(period_id: UUID) -> Any:
    """Let nothing new be used of a period's budgets, or take that back."""
    opening = request.endpoint == "period_pages.reopen"
    step = closing.reopen if opening else closing.soft_close
    with transaction() as session:
        found = fiscal_periods.find_period(session, period_id)
        period, budgets = step(session, principal().tenant_id, found.code)
        said = f"{period.code} is {'open again' if opening else 'soft-closed'}"
    flash(f"{said}: {budgets} budget{'' if budgets == 1 else 's'}.")
    return redirect(url_for("period_pages.index"), 303)


@blueprint.get("/<uuid:period_id>/close")
@require(ADMIN)
def close_form(period_id: UUID) -> Any:
    """How a period is to be closed for good, and what the last try has said."""
    return _close_page(period_id)


@blueprint.post("/<uuid:period_id>/close")
@require(ADMIN)
def close(period_id: UUID) -> Any:
    """Try what closing would do, or close the period for good."""
    who, trying = principal(), request.form.get("do") != "close"
    try:
        cap = forms.written("cap", "An amount", most=40, required=False)
        rollover = request.form.get("rollover", "")
        if rollover not in ROLLOVERS:
            raise forms.refused("rollover", "unknown_value", "Choose what goes along.")
        if not trying and request.form.get("sure") != "yes":
            raise forms.refused("sure", "missing", "Tick that you are sure: it stays closed.")
        following = forms.written("next", "A period", most=100, required=False)
        reason = forms.written("reason", "A reason", most=1_000, required=False)
        with transaction() as session:
            found = fiscal_periods.find_period(session, period_id)
            bell = asking.ask_to_close(
                session, who.tenant_id, found.code, rollover=rollover,
                rollover_cap=limit_amount(cap, None) if cap else None, next_code=following or None,
                reason=reason, dry_run=trying, actor=who.actor, request_id=g.request_id,
            )  # fmt: skip
    except BursarError as refusal:
        return _close_page(period_id, refusal)
    announce(bell)
    flash("It is being worked out." if trying else "The period is being closed.")
    target = url_for("period_pages.close_form", period_id=period_id, job=bell.job_id)
    return redirect(target, 303)


def _day(name: str) -> date:
    text = forms.written(name, "A day", most=10)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise forms.refused(name, "invalid_day", "Write a day as 2026-12-31.") from None


def _index(refusal: BursarError | None = None) -> Any:
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    with transaction() as session:
        found = fiscal_periods.list_periods(
            session, state=state or None, limit=25, cursor=request.args.get("cursor") or None
        )
    body = render_template(
        "settings/periods.html", found=found, state=state, states=STATES, refusal=refusal,
        typed=forms.typed(), wrong=forms.wrong(refusal),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)


def _close_page(period_id: UUID, refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        period = fiscal_periods.find_period(session, period_id)
        job_id = uuid_or_none(request.args.get("job"))
        job = jobs.get_job(session, job_id) if job_id else None
    if job is not None and not _is_of(job, period.code):
        raise NotFound("There is no such job.")
    asked = job.payload if job is not None else {}
    kept = {"rollover": asked.get("rollover", "reset"), "next": asked.get("next"),
            "cap": asked.get("rollover_cap"), "reason": asked.get("reason")}  # fmt: skip
    body = render_template(
        "settings/period_close.html", period=period, job=job, refusal=refusal, states=STATES,
        typed=forms.typed(**kept), wrong=forms.wrong(refusal), rollovers=ROLLOVER_WORDS.items(),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)


def _is_of(job: Job, code: str) -> bool:
    return job.kind == asking.KIND and job.payload.get("period") == code
