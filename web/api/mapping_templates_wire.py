"""How mapping templates look on the wire."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from schema.tables import MappingTemplate, MappingTemplateVersion
from web.api.importing_asked import AnswersIn, DefaultsIn, Header
from web.api.wire import Out, Text, time_text


class TemplateIn(AnswersIn):
    """A mapping to remember: for a file that is here, over what is proposed; or for headers."""

    name: Text | None = None
    file_id: UUID | None = None
    sheet: Text | None = None
    header_row: int | None = Field(None, ge=0, le=10_000)
    headers: Annotated[list[Header], Field(min_length=1, max_length=1_000)] | None = None
    mapping: dict[Header, str | None] = Field(default_factory=dict)
    defaults: DefaultsIn | None = None
    force_kind: bool = False


class TemplateChange(AnswersIn):
    """What to change. With `preview` nothing is saved; the replay says what would differ."""

    name: Text | None = None
    mapping: dict[Header, str | None] | None = None
    defaults: DefaultsIn | None = None
    force_kind: bool | None = None
    preview: bool = False
    accept_changes: bool = False


class MappedOut(Out):
    """A column and the field it fills."""

    header: str
    target: str | None


class ReplayOut(Out):
    """The last files, read as before and as after the change."""

    files: int
    changed_files: int
    changed_rows: int
    limited: bool
    changes: list[dict[str, Any]]


class TemplateOut(Out):
    """A mapping template."""

    id: UUID
    name: str
    version: int
    columns: list[MappedOut]
    defaults: dict[str, str]
    decimal_marks: dict[str, str] | None
    date_order: str | None
    unit: int | None
    units: dict[str, int] | None
    parents: str | None
    force_kind: bool
    created_by: str
    updated_by: str
    created_at: str
    updated_at: str
    replay: ReplayOut | None


class TemplatePage(Out):
    """A page of mapping templates."""

    data: list[TemplateOut]
    next_cursor: str | None


class VersionOut(Out):
    """What a template said in one version."""

    version: int
    content: dict[str, Any]
    replay: dict[str, Any]
    changed_by: str
    changed_at: str


class VersionList(Out):
    """The versions of a template, newest first."""

    data: list[VersionOut]


class TemplatePath(BaseModel):
    """Which template."""

    template_id: UUID


_ANSWERS = ("decimal_marks", "date_order", "unit", "units", "parents")


def wire(template: MappingTemplate, replay: dict[str, Any] | None = None) -> dict[str, Any]:
    """A template as the API shows it."""
    return {
        "id": str(template.id),
        "name": template.name,
        "version": template.version,
        "columns": [
            {"header": header, "target": target}
            for header, target in zip(template.headers, template.targets, strict=True)
        ],
        "defaults": template.defaults,
        **{name: template.answers.get(name) for name in _ANSWERS},
        "force_kind": template.force_kind,
        "created_by": template.created_by,
        "updated_by": template.updated_by,
        "created_at": time_text(template.created_at),
        "updated_at": time_text(template.updated_at),
        "replay": replay,
    }


def version_wire(version: MappingTemplateVersion) -> dict[str, Any]:
    """A version as the API shows it."""
    return {
        "version": version.version,
        "content": version.content,
        "replay": version.replay,
        "changed_by": version.changed_by,
        "changed_at": time_text(version.changed_at),
    }
