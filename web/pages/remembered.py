"""What is remembered about files: mapping templates, their versions, forgetting one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for

from bursar.importing.choices import templates
from bursar.members import names_of
from web.auth import IMPORT, READ, require, transaction

blueprint = Blueprint("template_pages", __name__, url_prefix="/imports/templates")


@blueprint.get("")
@require(READ)
def index() -> Any:
    """All mapping templates, newest first."""
    with transaction() as session:
        found = templates.list_templates(
            session, limit=25, cursor=request.args.get("cursor") or None
        )
    return render_template("templates.html", found=found)


@blueprint.get("/<uuid:template_id>")
@require(READ)
def show(template_id: UUID) -> Any:
    """One template: what each column means, and what it said before."""
    with transaction() as session:
        template = templates.get_template(session, template_id)
        versions = templates.list_versions(session, template_id)
        names = names_of(session, {one.changed_by for one in versions})
    return render_template("template.html", template=template, versions=versions, names=names)


@blueprint.post("/<uuid:template_id>/forget")
@require(IMPORT)
def forget(template_id: UUID) -> Any:
    """Recognise files of this shape by themselves again."""
    with transaction() as session:
        templates.forget_template(session, template_id)
    flash("The mapping is forgotten; files of this shape are recognised anew.")
    return redirect(url_for("template_pages.index"), 303)
