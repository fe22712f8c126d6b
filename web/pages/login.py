"""Logging in and out."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for

from bursar.database import database
from bursar.errors import Unauthenticated
from bursar.tenants import log_in
from web.pages.going import back_to, local

blueprint = Blueprint("login", __name__)


@blueprint.get("/login")
def form() -> Any:
    """The log-in form."""
    return page(local(request.args.get("next", "/")))


@blueprint.post("/login")
def submit() -> Any:
    """Check the password and open a session."""
    target, email = back_to("/"), request.form.get("email", "").strip()
    try:
        who = log_in(database(), email, request.form.get("password", ""))
    except Unauthenticated as error:
        return make_response(page(target, email, error.detail), 401)
    session.clear()
    session.permanent = True
    session["tenant"] = str(who.tenant_id)
    session["user"] = who.actor.removeprefix("user:")
    session["name"] = who.name
    session["mark"] = who.mark
    return redirect(target, 303)


@blueprint.post("/logout")
def logout() -> Any:
    """Close the session."""
    session.clear()
    return redirect(url_for("login.form"), 303)


def page(target: str, email: str = "", wrong: str | None = None) -> str:
    """The log-in page, which leads on to `target`."""
    return render_template("login.html", next=target, email=email, wrong=wrong)
