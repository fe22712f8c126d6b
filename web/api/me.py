"""Who a key belongs to and what it may do; reads nothing but the key."""

from __future__ import annotations

from uuid import UUID

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from web.api.wire import Out, problems
from web.auth import PERMISSIONS, READ, principal, require

api = APIBlueprint("me", __name__, url_prefix="/api/v1/me", abp_tags=[Tag(name="Keys")])


class MeOut(Out):
    """Who is asking."""

    tenant_id: UUID
    actor: str
    role: str
    permissions: list[str]


@api.get("", responses={"200": MeOut, **problems()})
@require(READ)
def me() -> Response:
    """Who is asking: tenant, name in the trail, role, and what the role may do."""
    who = principal()
    return jsonify(
        tenant_id=str(who.tenant_id),
        actor=who.actor,
        role=who.role,
        permissions=sorted(PERMISSIONS[who.role]),
    )
