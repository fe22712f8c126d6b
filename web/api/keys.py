"""Keys: what programs of the tenant call the API with."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from sqlalchemy.orm import Session

from bursar import keys
from schema.tables import ApiKey
from web import idempotency
from web.api.members import Role
from web.api.wire import ListQuery, Model, Out, problems, time_text
from web.auth import ADMIN, principal, require, transaction

api = APIBlueprint("keys", __name__, url_prefix="/api/v1/keys", abp_tags=[Tag(name="Keys")])

KeyName = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]


class ApiKeyIn(Model):
    """A new key."""

    name: KeyName
    role: Role = "service"
    expires_at: AwareDatetime | None = Field(None, description="It opens nothing from then on.")


class ApiKeyOut(Out):
    """A key. The key itself is there only in the answer that made it; `hint` is its end."""

    id: UUID
    name: str
    hint: str
    role: Role
    state: Literal["active", "expired", "withdrawn"]
    key: str | None = None
    expires_at: str | None
    last_used_at: str | None
    withdrawn_at: str | None
    created_at: str


class ApiKeyPage(Out):
    """A page of keys."""

    data: list[ApiKeyOut]
    next_cursor: str | None


class ApiKeyPath(BaseModel):
    """Which key."""

    key_id: UUID


@api.get("", responses={"200": ApiKeyPage, **problems()})
@require(ADMIN)
def list_keys(query: ListQuery) -> Response:
    """List keys, newest first, those that were withdrawn too."""
    with transaction() as session:
        found = keys.list_keys(session, limit=query.limit, cursor=query.cursor)
        data = [_wire(key) for key in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post("", responses={"201": ApiKeyOut, **problems(400, 409)})
@require(ADMIN)
def create_key(body: ApiKeyIn) -> Response:
    """Make a key. It is in this answer and never shown again."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        made, key = keys.make_key(
            session, who.tenant_id, body.role, name=body.name, expires_at=body.expires_at
        )
        session.refresh(made)
        shown = {**_wire(made), "key": key}
        headers = {"Location": f"/api/v1/keys/{made.id}"}
        return idempotency.Answer(201, shown, headers, kept={**shown, "key": None})

    return idempotency.once(work, body.model_dump(mode="json"))


@api.get("/<key_id>", responses={"200": ApiKeyOut, **problems(404)})
@require(ADMIN)
def get_key(path: ApiKeyPath) -> Response:
    """Read what is known of a key."""
    with transaction() as session:
        return jsonify(_wire(keys.get_key(session, path.key_id)))


@api.delete("/<key_id>", responses={"204": None, **problems(404)})
@require(ADMIN)
def withdraw_key(path: ApiKeyPath) -> Response:
    """Withdraw a key. Within 5 seconds it opens nothing any more."""
    with transaction() as session:
        keys.withdraw_key(session, path.key_id)
    return make_response("", 204)


def _wire(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        **{name: getattr(key, name) for name in ("name", "hint", "role")},
        "state": keys.state_of(key),
        "expires_at": time_text(key.expires_at),
        "last_used_at": time_text(key.last_used_at),
        "withdrawn_at": time_text(key.deleted_at),
        "created_at": time_text(key.created_at),
    }
