"""Making, reading and changing sources. Secrets go in and never come out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar import secrets
from bursar.errors import DuplicateSource, Fault, InvalidInput, NotFound, VersionStale
from bursar.importing.choices.templates import get_template
from bursar.paging import Page, page
from bursar.sources.folders import require_root
from bursar.sources.outcomes import end_alarms, end_lateness
from bursar.sources.places import require_action, require_place, require_secret
from bursar.sources.timing import next_after, require_cron, require_zone
from bursar.tenants import get_tenant
from schema.tables import Source, SourceFile, SourceRun, SourceSecret

# A server may still be writing what it lists; S3 and Sheets only show what is whole.
SETTLE_SECONDS = {"sftp": 60, "s3": 0, "sheets": 0, "folder": 60}


@dataclass(frozen=True, slots=True)
class NewSource:
    """What somebody says of a new source."""

    name: str
    type: str
    config: dict[str, Any]
    secret: dict[str, Any] | None = None
    schedule: str | None = None
    time_zone: str | None = None
    is_active: bool = True
    expected_by: str | None = None
    drift_policy: str = "ask"
    mode: str = "all_or_nothing"
    mapping_template_id: UUID | None = None
    defaults: dict[str, str] | None = None
    after_action: str = "leave"
    stale_policy: str = "manual"
    settle_seconds: int | None = None


def create_source(session: Session, tenant_id: UUID, new: NewSource, actor: str) -> Source:
    """Make a source. Raises InvalidInput, DuplicateSource, Misconfigured, NotFound (template)."""
    if new.mapping_template_id is not None:
        get_template(session, new.mapping_template_id)
    zone = require_zone(new.time_zone or get_tenant(session).time_zone)
    settle = new.settle_seconds
    source = Source(
        tenant_id=tenant_id,
        name=new.name,
        type=new.type,
        config=_placed(session, tenant_id, new.type, new.config),
        schedule=require_cron(new.schedule, "/schedule") if new.schedule else None,
        time_zone=zone,
        is_active=new.is_active,
        expected_by=require_cron(new.expected_by, "/expected_by") if new.expected_by else None,
        drift_policy=new.drift_policy,
        mode=new.mode,
        mapping_template_id=new.mapping_template_id,
        defaults=new.defaults or {},
        after_action=require_action(new.type, new.after_action),
        stale_policy=new.stale_policy,
        settle_seconds=SETTLE_SECONDS[new.type] if settle is None else settle,
        created_by=actor,
    )
    _set_due(source, _now(session))
    session.add(source)
    _flush(session, source.name)
    set_secret(session, source, new.secret or {})
    return source


def change_source(
    session: Session, source: Source, version: int, changes: dict[str, Any]
) -> Source:
    """Change what `changes` names. Raises VersionStale, InvalidInput, DuplicateSource, NotFound."""
    if source.row_version != version:
        raise VersionStale(extra={"version": source.row_version})
    secret = changes.pop("secret", None)
    if "config" in changes:
        laid_over = source.config | changes["config"]
        changes["config"] = _placed(session, source.tenant_id, source.type, laid_over)
        _require_secret_again(source, changes["config"], secret)
    if "after_action" in changes:
        require_action(source.type, changes["after_action"])
    if changes.get("mapping_template_id") is not None:
        get_template(session, changes["mapping_template_id"])
    if changes.get("time_zone"):
        require_zone(changes["time_zone"])
    for name in ("schedule", "expected_by"):
        if changes.get(name):
            changes[name] = require_cron(changes[name], f"/{name}")
    expected = source.expected_by
    for name, value in changes.items():
        setattr(source, name, value)
    if {"schedule", "expected_by", "time_zone", "is_active"} & set(changes):
        _set_due(source, _now(session))
    source.failures, source.held_until = 0, None
    # Counted here and not by a trigger: a run of the source is no change that an edit could lose.
    source.row_version += 1
    source.updated_at = func.now()
    _flush(session, source.name)
    if expected and not source.expected_by:
        end_lateness(session, source)
    if secret is not None:
        set_secret(session, source, secret)
    return source


def set_secret(session: Session, source: Source, secret: dict[str, Any]) -> None:
    """Seal a secret for this source; an empty one forgets what was there."""
    kept = session.get(SourceSecret, (source.tenant_id, source.id))
    content = require_secret(source.type, secret) if secret else {}
    if not content:
        if kept is not None:
            session.delete(kept)
        session.flush()
        return
    ciphertext, key_id = secrets.seal(source.tenant_id, source.id, content)
    if kept is None:
        kept = SourceSecret(tenant_id=source.tenant_id, id=source.id)
        session.add(kept)
    kept.ciphertext, kept.key_id = ciphertext, key_id
    session.flush()


def has_secret(session: Session, source: Source) -> bool:
    """Whether a secret is kept for this source."""
    return session.get(SourceSecret, (source.tenant_id, source.id)) is not None


def read_secret(session: Session, source: Source) -> dict[str, Any]:
    """What signs in at a source, in the clear: for connectors alone. Raises SecretUnreadable."""
    kept = session.get(SourceSecret, (source.tenant_id, source.id))
    if kept is None:
        return {}
    return secrets.unseal(source.tenant_id, source.id, kept.ciphertext)


def delete_source(session: Session, source: Source) -> None:
    """Take a source away, with its secret and its alarms; what it has loaded stays."""
    source.deleted_at, source.is_active = func.now(), False
    end_alarms(session, source)
    set_secret(session, source, {})


def get_source(session: Session, source_id: UUID, *, lock: bool = False) -> Source:
    """A source of this tenant. Raises NotFound."""
    query = select(Source).where(Source.id == source_id, Source.deleted_at.is_(None))
    source = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if source is None:
        raise NotFound("There is no such source.")
    return source


def list_sources(session: Session, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A page of sources, newest first."""
    return _newest(session, Source, Source.deleted_at.is_(None), limit, cursor)


def list_runs(
    session: Session, source_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of a source's runs, newest first."""
    return _newest(session, SourceRun, SourceRun.source_id == source_id, limit, cursor)


def list_files(
    session: Session, source_id: UUID, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of the files that were seen at a source, newest first."""
    return _newest(session, SourceFile, SourceFile.source_id == source_id, limit, cursor)


def _newest(session: Session, table: Any, which: Any, limit: int, cursor: str | None) -> Page:
    columns = {"created_at": table.__table__.c.created_at}
    query = select(table).where(which)
    return page(
        session, query, columns=columns, key=table.__table__.c.id, limit=limit, cursor=cursor
    )


def _placed(session: Session, tenant_id: UUID, kind: str, config: dict[str, Any]) -> dict[str, Any]:
    if kind == "folder":
        require_root(session, str(tenant_id))
    return require_place(kind, config)


def _require_secret_again(source: Source, config: dict[str, Any], secret: object) -> None:
    where = ("host", "port", "username", "endpoint_url")
    leads_elsewhere = any(source.config.get(name) != config.get(name) for name in where)
    if leads_elsewhere and secret is None:
        # Whoever may change where a source points must not so send its secret there.
        raise InvalidInput(
            "The source leads elsewhere, so its secret must be entered again.",
            faults=[Fault("/secret", "secret_required", "Send it with this change.")],
        )


def _set_due(source: Source, now: datetime) -> None:
    active = source.is_active
    source.next_due_at = next_after(source.schedule, source.time_zone, now) if active else None
    source.next_expected_at = (
        next_after(source.expected_by, source.time_zone, now) if active else None
    )


def _now(session: Session) -> datetime:
    now: datetime = session.execute(select(func.now())).scalar_one()
    return now


def _flush(session: Session, name: str) -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        if "uq_source_name" not in str(error.orig):
            raise
        raise DuplicateSource(f"There is a source named {name!r} already.") from None
