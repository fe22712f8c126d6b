"""The organisation: what it was opened with, and how large its uploads may be."""

from __future__ import annotations

import calendar
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, url_for

from bursar.config import settings
from bursar.errors import BursarError
from bursar.tenants import get_tenant, set_upload_limit
from schema.tables import Tenant
from web.auth import ADMIN, require, transaction
from web.pages import forms
from web.pages.figures import file_size
from web.problems import status_of
from web.transfer import upload_limit

blueprint = Blueprint("organisation_pages", __name__, url_prefix="/settings/organisation")
_MEGABYTE = 1024 * 1024


@blueprint.get("")
@require(ADMIN)
def show() -> Any:
    """What the organisation is, and its limits."""
    return _page()


@blueprint.post("/upload-limit")
@require(ADMIN)
def limit_uploads() -> Any:
    """Give the organisation an upload limit of its own, or take it away again.

    Not above what it has, or what the installation allows: raising that is the operator's.
    """
    try:
        text = forms.written("limit", "A number", most=9, required=False)
        with transaction() as session:
            most = _most(get_tenant(session))
            set_upload_limit(session, _limit(text, most) if text else None)
    except BursarError as refusal:
        return _page(refusal)
    flash("The limit holds for the uploads to come.")
    return redirect(url_for("organisation_pages.show"), 303)


def _limit(text: str, most: int) -> int:
    wanted = int(text) * _MEGABYTE if text.isascii() and text.isdecimal() else 0
    if not 0 < wanted <= most:
        words = f"Write whole megabytes, from 1 to {most // _MEGABYTE}."
        raise forms.refused("limit", "out_of_range", words)
    return wanted


def _most(tenant: Tenant) -> int:
    return max(upload_limit(tenant), settings().upload_limit_bytes)


def _page(refusal: BursarError | None = None) -> Any:
    with transaction() as session:
        tenant = get_tenant(session)
        now, most = upload_limit(tenant), _most(tenant)
        own = tenant.settings.get("upload_limit_bytes")
    kept = str(int(own) // _MEGABYTE) if own else None
    body = render_template(
        "settings/organisation.html", tenant=tenant, now=now, refusal=refusal,
        most=most // _MEGABYTE, first_month=calendar.month_name[tenant.fiscal_start_month],
        usual=file_size(settings().upload_limit_bytes), larger=now > settings().upload_limit_bytes,
        typed=forms.typed(limit=kept), wrong=forms.wrong(refusal),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
