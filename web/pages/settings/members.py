"""Members: who may log in, what they may do, adding somebody, taking somebody out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from bursar import members
from bursar.errors import BursarError, NotFound, VersionStale
from web.auth import ADMIN, principal, require, transaction
from web.pages import forms
from web.pages.settings import roles
from web.problems import status_of

blueprint = Blueprint("member_pages", __name__, url_prefix="/settings/members")


@blueprint.get("")
@require(ADMIN)
def index() -> Any:
    """All members by e-mail address, or those who have left, and a form for another one."""
    return _index()


@blueprint.post("")
@require(ADMIN)
def add() -> Any:
    """Add a member; the first password is shown on the page that follows, and only there."""
    who = principal()
    try:
        email = forms.written("email", "An e-mail address", most=254)
        name = forms.written("name", "A name", most=120, required=False)
        role = request.form.get("role", "")
        with transaction() as session:
            member_id, password = members.add_member(session, who.tenant_id, email, role, name)
    except BursarError as refusal:
        return _index(refusal)
    return _page(member_id, password=password, is_new=True)


@blueprint.get("/<uuid:member_id>")
@require(ADMIN)
def show(member_id: UUID) -> Any:
    """One member: their role, and a way out."""
    return _page(member_id)


@blueprint.post("/<uuid:member_id>/role")
@require(ADMIN)
def change_role(member_id: UUID) -> Any:
    """Give a member another role."""
    who = principal()
    try:
        with transaction() as session:
            members.change_role(
                session, who.tenant_id, member_id, forms.version(), request.form.get("role", ""),
                who.actor,
            )  # fmt: skip
    except NotFound:
        raise
    except VersionStale:
        stale = VersionStale("Somebody else has changed this member since. Look at them again.")
        return _page(member_id, refusal=stale)
    except BursarError as refusal:
        return _page(member_id, refusal=refusal)
    flash("The role is changed. It holds within 5 seconds.")
    return redirect(url_for("member_pages.show", member_id=member_id), 303)


@blueprint.post("/<uuid:member_id>/deactivate")
@require(ADMIN)
def deactivate(member_id: UUID) -> Any:
    """Take a member's access away."""
    who = principal()
    try:
        with transaction() as session:
            members.deactivate(session, who.tenant_id, member_id, who.actor)
    except NotFound:
        raise
    except BursarError as refusal:
        return _page(member_id, refusal=refusal)
    flash("They can no longer log in here, and what is open closes within 5 seconds.")
    return redirect(url_for("member_pages.index"), 303)


@blueprint.post("/<uuid:member_id>/back")
@require(ADMIN)
def bring_back(member_id: UUID) -> Any:
    """Give somebody access again who has left, in the role they had."""
    who = principal()
    with transaction() as session:
        gone = members.get_member(session, member_id)
        members.add_member(session, who.tenant_id, gone.email, gone.role)
    flash("They have access again, with the password they had.")
    return redirect(url_for("member_pages.show", member_id=member_id), 303)


def _index(refusal: BursarError | None = None) -> Any:
    gone = request.args.get("gone") == "yes"
    with transaction() as session:
        found = members.list_members(
            session, gone=gone, limit=25, cursor=request.args.get("cursor") or None
        )
    body = render_template(
        "settings/members.html", found=found, gone=gone, refusal=refusal,
        typed=forms.typed(role="member"), wrong=forms.wrong(refusal), roles=roles.WORDS,
        options=roles.options(roles.OF_PEOPLE), me=principal().actor,
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)


def _page(
    member_id: UUID, *, refusal: BursarError | None = None, password: str | None = None,
    is_new: bool = False,
) -> Any:  # fmt: skip
    with transaction() as session:
        member = members.get_member(session, member_id)
    body = render_template(
        "settings/member.html", member=member, refusal=refusal, password=password, is_new=is_new,
        role=request.form.get("role", member.role), wrong=forms.wrong(refusal), roles=roles.WORDS,
        options=roles.options(roles.OF_PEOPLE, member.role),
        is_me=principal().actor == f"user:{member.user_id}",
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 200)
