"""A tenant's own words for kinds of file."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from bursar.errors import ReplayDiffers
from bursar.importing.choices import keywords
from bursar.importing.choices.replaying import replay_keywords
from bursar.tenants import get_tenant
from web.api.mapping_templates_wire import ReplayOut
from web.api.wire import Model, Out, Text, problems
from web.auth import IMPORT, READ, require, transaction

api = APIBlueprint(
    "keywords", __name__, url_prefix="/api/v1/settings", abp_tags=[Tag(name="Imports")]
)


class KeywordsIn(Model):
    """Words by kind of file. With `preview` nothing is saved."""

    keywords: Annotated[dict[Text, list[Text]], Field(max_length=20)]
    preview: bool = False
    accept_changes: bool = False


class KeywordsOut(Out):
    """Words by kind of file, and what the last files would be called with them."""

    keywords: dict[str, list[str]]
    replay: ReplayOut | None


@api.get("/kind-keywords", responses={"200": KeywordsOut, **problems()})
@require(READ)
def get_keywords() -> Response:
    """The tenant's own words for kinds of file, beside the built-in ones."""
    with transaction() as session:
        return jsonify(keywords=keywords.kind_keywords(get_tenant(session)), replay=None)


@api.put("/kind-keywords", responses={"200": KeywordsOut, **problems(409)})
@require(IMPORT)
def set_keywords(body: KeywordsIn) -> Response:
    """Replace the tenant's own words, after recognising the last files with them.

    Where a file would be called otherwise it is refused with the differences, unless
    `accept_changes`.
    """
    wanted = keywords.require_keywords(body.keywords)
    with transaction() as session:
        tenant = get_tenant(session)
        replay: dict[str, Any] = replay_keywords(session, tenant, wanted)
        if not body.preview:
            if replay["changed_files"] and not body.accept_changes:
                raise ReplayDiffers(
                    f"{replay['changed_files']} of the last {replay['files']} files would be taken"
                    " for something else. Send the words again with accept_changes if that is"
                    " meant.",
                    extra={"replay": replay},
                )
            wanted = keywords.set_kind_keywords(session, tenant, wanted)
        return jsonify(keywords=wanted, replay=replay)
