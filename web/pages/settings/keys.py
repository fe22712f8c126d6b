"""API keys: what programs call the API with; each is shown once, and can be withdrawn."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from bursar import keys
from bursar.errors import BursarError
from bursar.tenants import get_tenant
from web.auth import ADMIN, principal, require, transaction
from web.pages import forms
from web.pages.settings import roles
from web.problems import status_of

blueprint = Blueprint("key_pages", __name__, url_prefix="/settings/keys")


@blueprint.get("")
@require(ADMIN)
def index() -> Any:
    """All keys, newest first, and a form for another one."""
    return _index()


@blueprint.post("")
@require(ADMIN)
def create() -> Any:
    """Make a key; it is shown on the page that follows, and only there."""
    who = principal()
    try:
        name = forms.written("name", "A name", most=120)
        with transaction() as session:
            made, key = keys.make_key(
                session, who.tenant_id, request.form.get("role", ""),
                name=name, expires_at=_end_of_day(get_tenant(session).time_zone),
            )  # fmt: skip
            made_name = made.name
    except BursarError as refusal:
        return _index(refusal)
    return _index(key=key, made_name=made_name)


@blueprint.post("/<uuid:key_id>/withdraw")
@require(ADMIN)
def withdraw(key_id: UUID) -> Any:
    """Let a key open nothing any more."""
    with transaction() as session:
        name = keys.withdraw_key(session, key_id).name
    flash(f"The key {name or 'without a name'} is withdrawn. Within 5 seconds it opens nothing.")
    return redirect(url_for("key_pages.index"), 303)


def _end_of_day(time_zone: str) -> datetime | None:
    """The end of the day in the form, in the tenant's time; None without one."""
    text = forms.written("expires_at", "A day", most=10, required=False)
    if not text:
        return None
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise forms.refused("expires_at", "invalid_day", "Write a day as 2026-12-31.") from None
    return datetime.combine(after, time.min, ZoneInfo(time_zone))


def _index(refusal: BursarError | None = None, key: str = "", made_name: str = "") -> Any:
    with transaction() as session:
        found = keys.list_keys(session, limit=25, cursor=request.args.get("cursor") or None)
        rows = [(row, keys.state_of(row)) for row in found.rows]
        zone = get_tenant(session).time_zone
    body = render_template(
        "settings/keys.html", rows=rows, next_cursor=found.next_cursor, refusal=refusal, key=key,
        typed={"role": "service"} if key else forms.typed(role="service"), made_name=made_name,
        wrong=forms.wrong(refusal), roles=roles.WORDS, zone=zone,
        options=roles.options(roles.OF_PROGRAMS),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
