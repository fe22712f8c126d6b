"""Mapping templates: what is remembered about files of one shape, and what a change would do."""

from __future__ import annotations

from flask import Response, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from sqlalchemy.orm import Session

from bursar import files
from bursar.errors import Fault, InvalidInput, ReplayDiffers
from bursar.importing.choices import templates
from bursar.importing.choices.replaying import replay_template
from bursar.importing.cleaning.binding import canonical
from bursar.importing.stored import analyze_stored
from bursar.tenants import get_tenant
from schema.tables import MappingTemplate
from web import idempotency
from web.api.importing_asked import answers_of
from web.api.mapping_templates_wire import (
    TemplateChange,
    TemplateIn,
    TemplateOut,
    TemplatePage,
    TemplatePath,
    VersionList,
    version_wire,
    wire,
)
from web.api.wire import ListQuery, problems
from web.auth import IMPORT, READ, principal, require, transaction
from web.versions import etag, required_version

api = APIBlueprint(
    "mapping_templates",
    __name__,
    url_prefix="/api/v1/mapping-templates",
    abp_tags=[Tag(name="Imports")],
)


@api.get("", responses={"200": TemplatePage, **problems()})
@require(READ)
def list_templates(query: ListQuery) -> Response:
    """List mapping templates, newest first."""
    with transaction() as session:
        found = templates.list_templates(session, limit=query.limit, cursor=query.cursor)
        data = [wire(row.MappingTemplate) for row in found.rows]
    return jsonify(data=data, next_cursor=found.next_cursor)


@api.post("", responses={"201": TemplateOut, **problems(400, 404, 409)})
@require(IMPORT)
def create_template(body: TemplateIn) -> Response:
    """Remember what files with these headers mean."""
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        headers, proposed, name = _shape(session, body)
        content = templates.Content(
            body.name or name,
            _targets(headers, proposed, body.mapping),
            body.defaults.model_dump(exclude_none=True) if body.defaults else {},
            answers_of(body),
            body.force_kind,
        )
        made = templates.create_template(session, who.tenant_id, headers, content, who.actor)
        session.refresh(made)
        location = f"/api/v1/mapping-templates/{made.id}"
        return idempotency.Answer(201, wire(made), {"Location": location, **etag(made.version)})

    return idempotency.once(work, body.model_dump(mode="json"))


@api.get("/<template_id>", responses={"200": TemplateOut, **problems(404)})
@require(READ)
def get_template(path: TemplatePath) -> Response:
    """Read a mapping template."""
    with transaction() as session:
        found = templates.get_template(session, path.template_id)
        return make_response(jsonify(wire(found)), 200, etag(found.version))


@api.get("/<template_id>/versions", responses={"200": VersionList, **problems(404)})
@require(READ)
def list_versions(path: TemplatePath) -> Response:
    """What a mapping template said in each of its versions, newest first."""
    with transaction() as session:
        templates.get_template(session, path.template_id)
        found = templates.list_versions(session, path.template_id)
        return jsonify(data=[version_wire(version) for version in found])


@api.patch("/<template_id>", responses={"200": TemplateOut, **problems(404, 409, 412, 428)})
@require(IMPORT)
def change_template(path: TemplatePath, body: TemplateChange) -> Response:
    """Change a mapping template, after reading the last files of its shape both ways.

    Where rows come out otherwise it is refused with the differences, unless `accept_changes`.
    """
    version = required_version()
    who = principal()
    with transaction() as session:
        found = templates.get_template(session, path.template_id, lock=True)
        templates.require_version(found, version)
        content = _changed(found, body)
        content = templates.require_content(session, found.headers, content)
        replay = replay_template(session, get_tenant(session), found, content)
        if not body.preview:
            if replay["changed_rows"] and not body.accept_changes:
                raise ReplayDiffers(
                    f"{replay['changed_rows']:,} rows of {replay['changed_files']} of the last"
                    f" {replay['files']} files would be read otherwise. Send the change again with"
                    " accept_changes if that is meant.",
                    extra={"replay": replay},
                )
            found = templates.change_template(session, found, content, replay, who.actor)
            session.refresh(found)
        return make_response(jsonify(wire(found, replay)), 200, etag(found.version))


@api.delete("/<template_id>", responses={"204": None, **problems(404)})
@require(IMPORT)
def forget_template(path: TemplatePath) -> Response:
    """Forget a mapping; files of its shape are recognised by themselves again."""
    with transaction() as session:
        templates.forget_template(session, path.template_id)
    return make_response("", 204)


def _shape(session: Session, body: TemplateIn) -> tuple[list[str], list[str | None], str]:
    """Headers, proposed targets and a name, from a file or as given."""
    if (body.file_id is None) == (body.headers is None):
        raise InvalidInput(
            "Give either the file_id of a file with these headers, or the headers.",
            faults=[Fault("/headers", "file_required", "There was neither, or both.")],
        )
    if body.headers is not None:
        return body.headers, [None] * len(body.headers), f"Files with {body.headers[0]}"[:200]
    assert body.file_id is not None
    stored = files.get_file(session, body.file_id)
    found = analyze_stored(
        stored, get_tenant(session), sheet=body.sheet, header_row=body.header_row
    )
    proposed = [column.target for column in found.columns]
    return list(found.headers), proposed, f"Files like {stored.name}"[:200]


def _targets(
    headers: list[str], before: list[str | None], mapping: dict[str, str | None]
) -> tuple[str | None, ...]:
    """Targets by column. Raises InvalidInput for a header that is not there."""
    mapping = canonical(mapping)
    faults = [
        Fault(f"/mapping/{header}", "unknown_header", f"There is no column {header!r}.")
        for header in mapping
        if header not in headers
    ]
    if faults:
        raise InvalidInput("The mapping names columns that are not there.", faults=faults)
    return tuple(mapping.get(h, target) for h, target in zip(headers, before, strict=True))


def _changed(template: MappingTemplate, body: TemplateChange) -> templates.Content:
    now = templates.content_of(template)
    defaults = body.defaults.model_dump(exclude_none=True) if body.defaults else now.defaults
    return templates.Content(
        body.name or now.name,
        _targets(template.headers, list(now.targets), body.mapping or {}),
        defaults,
        {**now.answers, **answers_of(body)},
        now.force_kind if body.force_kind is None else body.force_kind,
    )
