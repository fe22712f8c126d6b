"""Logging in and out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for

from bursar.database import database
from bursar.errors import Unauthenticated
from bursar.tenants import log_in

blueprint = Blueprint("login", __name__)


def _local(target: str) -> str:
    """Where to go after logging in: a path of ours, never another site."""
    parts = urlsplit(target)
    ours = not parts.scheme and not parts.netloc and target.startswith("/")
    if not ours or target.startswith(("//", "/\\")):
        return "/"
    return target


@blueprint.get("/login")
def form() -> Any:
    """The log-in form."""
    return render_template("login.html", next=_local(request.args.get("next", "/")), wrong=None)


@blueprint.post("/login")
def submit() -> Any:
    """Check the password and open a session."""
    target = _local(request.form.get("next", "/"))
    try:
        who = log_in(
            database(), request.form.get("email", "").strip(), request.form.get("password", "")
        )
    except Unauthenticated as error:
        body = render_template("login.html", next=target, wrong=error.detail)
        return make_response(body, 401)
    session.clear()
    session.permanent = True
    session["tenant"] = str(who.tenant_id)
    session["user"] = who.actor.removeprefix("user:")
    session["name"] = who.name
    return redirect(target)


@blueprint.post("/logout")
def logout() -> Any:
    """Close the session."""
    session.clear()
    return redirect(url_for("login.form"))
