"""Words for kinds of file: what the tenant's exports and forms call themselves."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from bursar.errors import BursarError
from bursar.importing.choices import keywords
from bursar.importing.choices.replaying import replay_keywords
from bursar.importing.recognising.vocabulary import KINDS
from bursar.tenants import get_tenant
from web.auth import ADMIN, require, transaction
from web.pages import forms
from web.problems import status_of

blueprint = Blueprint("word_pages", __name__, url_prefix="/settings/words")
_MOST = 20_000


@blueprint.get("")
@require(ADMIN)
def show() -> Any:
    """The tenant's own words by kind of file."""
    return _page()


@blueprint.post("")
@require(ADMIN)
def save() -> Any:
    """Replace the words, unless a file of late would be taken for something else because of it."""
    try:
        wanted = {kind: _lines(kind) for kind in KINDS}
        wanted = keywords.require_keywords({k: words for k, words in wanted.items() if words})
        with transaction() as session:
            tenant = get_tenant(session)
            replay: dict[str, Any] = replay_keywords(session, tenant, wanted)
            agreed = not replay["changed_files"] or request.form.get("accept") == "yes"
            if agreed:
                keywords.set_kind_keywords(session, tenant, wanted)
    except BursarError as refusal:
        return _page(refusal)
    if not agreed:
        return _page(replay=replay)
    flash("The words are kept, for the files to come.")
    return redirect(url_for("word_pages.show"), 303)


def _lines(kind: str) -> list[str]:
    text = forms.written(kind, "The list", most=_MOST, required=False)
    return [word for line in text.splitlines() if (word := line.strip())]


def _page(refusal: BursarError | None = None, replay: dict[str, Any] | None = None) -> Any:
    with transaction() as session:
        kept = keywords.kind_keywords(get_tenant(session))
    body = render_template(
        "settings/words.html", kinds=KINDS, refusal=refusal, replay=replay,
        typed=forms.typed(**{kind: "\n".join(words) for kind, words in kept.items()}),
        wrong=forms.wrong(refusal),
    )  # fmt: skip
    return make_response(body, status_of(refusal) if refusal else 409 if replay else 200)
