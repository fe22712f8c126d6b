"""One's own account: who one is here, and another password."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)

from bursar import passwords
from bursar.errors import BursarError
from bursar.members import find_by_user
from bursar.tenants import get_tenant
from web.auth import READ, forget_member, principal, require, transaction
from web.pages import forms
from web.pages.settings.roles import WORDS
from web.pages.views import person
from web.problems import status_of

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
@require(READ)
def show() -> Any:
    """Who is logged in, and the form for another password."""
    return _page()


@blueprint.post("/password")
@require(READ)
def change_password() -> Any:
    """Change one's own password; wherever else one is logged in, one is no longer."""
    try:
        # As they were typed: blanks belong to a password.
        present, password, again = (
            request.form.get(name, "") for name in ("present", "password", "again")
        )
        if password != again:
            raise forms.refused("again", "not_the_same", "It is not what you typed above.")
        with transaction() as database:
            mark = passwords.change(database, person(), present, password)
    except BursarError as refusal:
        return _page(refusal)
    forget_member(principal().tenant_id, person())
    session["mark"] = mark
    flash("Your password is changed. Wherever else you were logged in, you are no longer.")
    return redirect(url_for("account.show"), 303)


def _page(refusal: BursarError | None = None) -> Any:
    with transaction() as database:
        member, tenant = find_by_user(database, person()), get_tenant(database)
    body = render_template(
        "account.html", member=member, tenant=tenant, role=WORDS[member.role],
        shortest=passwords.SHORTEST, wrong=forms.wrong(refusal), refusal=refusal,
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
