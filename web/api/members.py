"""Members: the people of the tenant, and what they may do."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, StringConstraints
from sqlalchemy.orm import Session

from bursar import members
from web import idempotency
from web.api.wire import ListQuery, Model, Out, problems, time_text
from web.auth import ADMIN, principal, require, transaction
from web.versions import etag, required_version

api = APIBlueprint(
    "members", __name__, url_prefix="/api/v1/members", abp_tags=[Tag(name="Members")]
)

Role = Literal["admin", "fpa", "approver", "member", "partner", "auditor", "service"]
Email = Annotated[str, StringConstraints(min_length=3, max_length=254, pattern=r"^[^\x00]*$")]
PersonName = Annotated[str, StringConstraints(max_length=120, pattern=r"^[^\x00]*$")]


class MemberIn(Model):
    """Somebody who is to have access."""

    email: Email
    role: Role
    name: PersonName = ""


class MemberChange(Model):
    """What to change."""

    role: Role


class MemberOut(Out):
    """A member. The trail calls them `user:` and their `user_id`.

    `first_password` is there only in the answer that added them, and not for who was a member
    before. Somebody who is known to the installation from elsewhere keeps their own instead.
    """

    id: UUID
    user_id: UUID
    email: str
    name: str
    role: Role
    first_password: str | None = None
    version: int
    created_at: str
    left_at: str | None


class MemberPage(Out):
    """A page of members."""

    data: list[MemberOut]
    next_cursor: str | None


class MemberFilter(ListQuery):
    """Which members."""

    gone: bool = False


class MemberPath(BaseModel):
    """Which member."""

    member_id: UUID


@api.get("", responses={"200": MemberPage, **problems()})
@require(ADMIN)
def list_members(query: MemberFilter) -> Response:
    """List members by e-mail address; with `gone` those who have left."""
    with transaction() as session:
        found = members.list_members(
            session, gone=query.gone, limit=query.limit, cursor=query.cursor
        )
    return jsonify(data=[_wire(row) for row in found.rows], next_cursor=found.next_cursor)


@api.post("", responses={"201": MemberOut, **problems(400, 409)})
@require(ADMIN)
def add_member(body: MemberIn) -> Response:
    """Give a person access. Their first password is in this answer and never shown again."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        member_id, password = members.add_member(
            session, who.tenant_id, body.email, body.role, body.name
        )
        found = members.get_member(session, member_id)
        headers = {"Location": f"/api/v1/members/{member_id}", **etag(found.row_version)}
        shown = {**_wire(found), "first_password": password}
        kept = {**shown, "first_password": None}
        return idempotency.Answer(201, shown, headers, kept=kept)

    return idempotency.once(work, body.model_dump())


@api.get("/<member_id>", responses={"200": MemberOut, **problems(404)})
@require(ADMIN)
def get_member(path: MemberPath) -> Response:
    """Read a member, also one who has left."""
    with transaction() as session:
        return _answer(session, path.member_id)


@api.patch("/<member_id>", responses={"200": MemberOut, **problems(404, 409, 412, 428)})
@require(ADMIN)
def change_member(path: MemberPath, body: MemberChange) -> Response:
    """Give a member another role; never oneself, nor the last administrator. Needs If-Match."""
    version, who = required_version(), principal()
    with transaction() as session:
        members.change_role(session, who.tenant_id, path.member_id, version, body.role, who.actor)
        return _answer(session, path.member_id)


@api.delete("/<member_id>", responses={"204": None, **problems(404, 409)})
@require(ADMIN)
def deactivate_member(path: MemberPath) -> Response:
    """Take a member's access away; never one's own, nor the last administrator's."""
    who = principal()
    with transaction() as session:
        members.deactivate(session, who.tenant_id, path.member_id, who.actor)
    return make_response("", 204)


def _answer(session: Session, member_id: UUID) -> Response:
    found = members.get_member(session, member_id)
    return make_response(jsonify(_wire(found)), 200, etag(found.row_version))


def _wire(member: Any) -> dict[str, Any]:
    return {
        "id": str(member.id),
        "user_id": str(member.user_id),
        **{name: getattr(member, name) for name in ("email", "name", "role")},
        "version": member.row_version,
        "created_at": time_text(member.created_at),
        "left_at": time_text(member.deleted_at),
    }
