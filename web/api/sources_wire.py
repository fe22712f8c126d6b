"""How sources look on the wire. A secret goes in; nothing of it ever comes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, field_validator

from bursar.sources.pausing import Pauses
from schema.tables import Source, SourceFile, SourceRun
from web.api.importing_asked import DefaultsIn
from web.api.wire import Model, Out, Text, time_text

Kind = Literal["sftp", "s3", "sheets", "folder"]
Policy = Literal["ask", "evolve", "freeze"]
Mode = Literal["all_or_nothing", "skip_errors"]
Stale = Literal["ignore", "manual", "refuse"]
Action = Literal["leave", "move", "tag"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]*$")]
Cron = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Settle = Annotated[int, Field(ge=0, le=86_400)]


class SourceIn(Model):
    """A new source. `config` and `secret` are those of its type."""

    name: Name
    type: Kind
    config: dict[str, Any]
    secret: dict[str, Any] | None = None
    schedule: Cron | None = Field(None, description="`HH:MM`, or five cron fields.")
    time_zone: Text | None = Field(None, description="The tenant's without it.")
    is_active: bool = True
    expected_by: Cron | None = Field(None, description="When a good file must have come.")
    drift_policy: Policy = "ask"
    mode: Mode = "all_or_nothing"
    mapping_template_id: UUID | None = Field(
        None, description="Only kept: a file's template is found by its headers."
    )
    defaults: DefaultsIn | None = None
    after_action: Action = "leave"
    stale_policy: Stale = Field("manual", description="Checks of its budgets while it is late.")
    settle_seconds: Settle | None = None


class SourceChange(Model):
    """What to change. `config` is laid over what is there; a new place needs its secret again."""

    name: Name | None = None
    config: dict[str, Any] | None = None
    secret: dict[str, Any] | None = None
    schedule: Cron | None = None
    time_zone: Text | None = None
    is_active: bool | None = None
    expected_by: Cron | None = None
    drift_policy: Policy | None = None
    mode: Mode | None = None
    mapping_template_id: UUID | None = None
    defaults: DefaultsIn | None = None
    after_action: Action | None = None
    stale_policy: Stale | None = None
    settle_seconds: Settle | None = None

    @field_validator(
        "name", "config", "time_zone", "is_active", "drift_policy", "mode", "after_action",
        "stale_policy", "settle_seconds",
    )  # fmt: skip
    @classmethod
    def _set(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("leave it out to keep it; it cannot be empty")
        return value


class SourceOut(Out):
    """A source. Of its secret only whether there is one."""

    id: UUID
    name: str
    type: Kind
    config: dict[str, Any]
    has_secret: bool
    schedule: str | None
    time_zone: str
    is_active: bool
    expected_by: str | None
    drift_policy: Policy
    mode: Mode
    mapping_template_id: UUID | None
    defaults: dict[str, str]
    after_action: Action
    stale_policy: Stale
    is_stale: bool
    settle_seconds: int
    next_due_at: str | None
    next_expected_at: str | None
    last_sync_at: str | None
    last_success_at: str | None
    last_file_at: str | None
    failures: int
    held_until: str | None
    version: int
    created_by: str
    created_at: str
    updated_at: str


class PausesOut(Out):
    """Whether the schedules of all sources rest, and on whose word."""

    paused: bool
    paused_at: str | None = Field(description="Since when the tenant has paused its sources.")
    paused_by: str | None = Field(description="Who has.")
    operator_paused_at: str | None = Field(
        description="Since when the operator has paused the sources of all tenants."
    )


class SourcePage(Out):
    """A page of sources."""

    data: list[SourceOut]
    next_cursor: str | None


class RunOut(Out):
    """One look at a source."""

    id: UUID
    trigger: Literal["schedule", "manual", "follow_up", "retry"]
    state: Literal["queued", "running", "succeeded", "partial", "failed", "skipped"]
    job_id: UUID | None
    files_seen: int
    files_taken: int
    files_failed: int
    error: dict[str, Any] | None
    due_at: str
    started_at: str | None
    ended_at: str | None


class RunPage(Out):
    """A page of runs."""

    data: list[RunOut]
    next_cursor: str | None


class FileOut(Out):
    """One revision of one file of a source, and what became of it."""

    id: UUID
    path: str
    revision: str
    size_bytes: int | None
    modified_at: str | None
    state: Literal[
        "settling", "ready", "taken", "importing", "waiting", "imported", "failed", "skipped"
    ]
    file_id: UUID | None
    import_id: UUID | None
    error: dict[str, Any] | None
    seen_at: str
    last_seen_at: str


class FilePage(Out):
    """A page of files."""

    data: list[FileOut]
    next_cursor: str | None


class TestOut(Out):
    """What a test of the connection found: `cause` is ok, or what stands in the way."""

    ok: bool
    cause: str
    code: str
    detail: str
    host_key: str | None = Field(None, description="The key that the server shows, to agree to.")
    fingerprint: str | None = None


class SyncOut(Out):
    """A run that was queued, or the one that is under way."""

    id: UUID
    job_id: UUID
    state: str


class SourcePath(BaseModel):
    """Which source."""

    source_id: UUID


class SourceFilePath(BaseModel):
    """Which file of which source."""

    source_id: UUID
    file_id: UUID


def source_wire(source: Source, *, has_secret: bool) -> dict[str, Any]:
    """A source as the API shows it."""
    plain = (
        "name", "type", "config", "schedule", "time_zone", "is_active", "expected_by",
        "drift_policy", "mode", "defaults", "after_action", "stale_policy", "is_stale",
        "settle_seconds", "failures",
        "created_by",
    )  # fmt: skip
    times = (
        "next_due_at", "next_expected_at", "last_sync_at", "last_success_at", "last_file_at",
        "held_until", "created_at", "updated_at",
    )  # fmt: skip
    template = source.mapping_template_id
    return {
        "id": str(source.id),
        "has_secret": has_secret,
        "version": source.row_version,
        "mapping_template_id": str(template) if template else None,
        **{name: getattr(source, name) for name in plain},
        **{name: time_text(getattr(source, name)) for name in times},
    }


def pauses_wire(found: Pauses) -> dict[str, Any]:
    """The pauses of all sources as the API shows them."""
    return {
        "paused": found.tenant_since is not None or found.operator_since is not None,
        "paused_at": time_text(found.tenant_since),
        "paused_by": found.tenant_by,
        "operator_paused_at": time_text(found.operator_since),
    }


def run_wire(run: SourceRun) -> dict[str, Any]:
    """A run as the API shows it."""
    plain = ("trigger", "state", "files_seen", "files_taken", "files_failed", "error")
    return {
        "id": str(run.id),
        "job_id": str(run.job_id) if run.job_id else None,
        **{name: getattr(run, name) for name in plain},
        **{n: time_text(getattr(run, n)) for n in ("due_at", "started_at", "ended_at")},
    }


def file_wire(file: SourceFile) -> dict[str, Any]:
    """A file as the API shows it."""
    return {
        "id": str(file.id),
        **{n: getattr(file, n) for n in ("path", "revision", "size_bytes", "state", "error")},
        "file_id": str(file.file_id) if file.file_id else None,
        "import_id": str(file.import_id) if file.import_id else None,
        "modified_at": time_text(file.modified_at),
        "seen_at": time_text(file.created_at),
        "last_seen_at": time_text(file.last_seen_at),
    }
