"""Mapping templates: what a tenant has confirmed about files of one shape, version by version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar.errors import DuplicateTemplate, Fault, InvalidInput, NotFound, VersionStale
from bursar.fiscal import resolve
from bursar.importing.choices.confirming import DEFAULTS, header_fingerprint, with_template
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.recognising.vocabulary import MEASURES, TARGETS
from bursar.money import exponents
from bursar.paging import Page, page
from bursar.tenants import get_tenant
from schema.tables import MappingTemplate, MappingTemplateVersion


@dataclass(frozen=True, slots=True)
class Content:
    """What a template says: a target a column, and what holds where no column says it.

    `answers` settle questions (`decimal_marks`, `date_order`, `unit`, `units`, `parents`); with
    `force_kind` files of this shape are budgets whatever they look like.
    """

    name: str
    targets: tuple[str | None, ...]
    defaults: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    force_kind: bool = False

    def to_wire(self) -> dict[str, Any]:
        """JSON-ready, as a version keeps it."""
        return {
            "name": self.name,
            "targets": list(self.targets),
            "defaults": dict(self.defaults),
            "answers": dict(self.answers),
            "force_kind": self.force_kind,
        }


def content_of(template: MappingTemplate) -> Content:
    """What a template says now."""
    return Content(
        template.name,
        tuple(template.targets),
        template.defaults,
        template.answers,
        template.force_kind,
    )


def recall(session: Session, headers: Sequence[str]) -> MappingTemplate | None:
    """The template for files with these headers, if the tenant has confirmed one."""
    found = session.execute(
        select(MappingTemplate).where(
            MappingTemplate.fingerprint == header_fingerprint(headers),
            MappingTemplate.deleted_at.is_(None),
        )
    ).scalar_one_or_none()
    return found if found is not None and len(found.targets) == len(headers) else None


def apply_template(
    analysis: Analysis, template: MappingTemplate, content: Content, fiscal_start_month: int
) -> Analysis:
    """The analysis as `content` of the template says it."""
    words = f"{content.name}, version {template.version}"
    return with_template(analysis, content.targets, content.defaults, words, fiscal_start_month)


def answers_for(analysis: Analysis, headers: Sequence[str], content: Content) -> dict[str, Any]:
    """What a template answers of the questions that this file leaves open.

    What the file itself shows counts more than what an earlier one left open, so marks and order
    answer only where it is asked for them, and a unit only unless the file names another one.
    """
    asked = {(question.kind, question.column) for question in analysis.questions}
    answers: dict[str, Any] = {}
    marks = {
        analysis.headers[list(headers).index(header)]: mark
        for header, mark in (content.answers.get("decimal_marks") or {}).items()
        if header in headers
    }
    marks = {header: m for header, m in marks.items() if ("decimal_mark", header) in asked}
    if marks:
        answers["decimal_marks"] = marks
    if "date_order" in content.answers and any(kind == "date_order" for kind, _ in asked):
        answers["date_order"] = content.answers["date_order"]
    unit = content.answers.get("unit")
    if unit and {analysis.unit, *analysis.units.values()} <= {1, unit}:
        answers["unit"] = unit
    units = {
        analysis.headers[list(headers).index(header)]: size
        for header, size in (content.answers.get("units") or {}).items()
        if header in headers
    }
    units = {header: size for header, size in units.items() if ("unit", header) in asked}
    if units:
        answers["units"] = units
    plain = analysis.parents is not None and analysis.parents.certain
    if content.answers.get("parents") and not plain:
        answers["parents"] = content.answers["parents"]
    return answers


def get_template(session: Session, template_id: UUID, *, lock: bool = False) -> MappingTemplate:
    """A template of this tenant. Raises NotFound."""
    query = select(MappingTemplate).where(
        MappingTemplate.id == template_id, MappingTemplate.deleted_at.is_(None)
    )
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no such mapping template.")
    return found


def list_templates(session: Session, *, limit: int = 50, cursor: str | None = None) -> Page:
    """A page of templates, newest first."""
    return page(
        session,
        select(MappingTemplate).where(MappingTemplate.deleted_at.is_(None)),
        columns={"created_at": MappingTemplate.__table__.c.created_at},
        key=MappingTemplate.__table__.c.id,
        limit=limit,
        cursor=cursor,
    )


def list_versions(session: Session, template_id: UUID) -> list[MappingTemplateVersion]:
    """What a template said before, newest first."""
    return list(
        session.execute(
            select(MappingTemplateVersion)
            .where(MappingTemplateVersion.template_id == template_id)
            .order_by(MappingTemplateVersion.version.desc())
            .limit(100)
        ).scalars()
    )


def create_template(
    session: Session, tenant_id: UUID, headers: Sequence[str], content: Content, actor: str
) -> MappingTemplate:
    """Remember what files with these headers mean.

    Raises InvalidInput for targets or defaults that do not fit, DuplicateTemplate.
    """
    content = require_content(session, headers, content)
    template = MappingTemplate(
        tenant_id=tenant_id,
        fingerprint=header_fingerprint(headers),
        headers=list(headers),
        created_by=actor,
        **_columns(content, actor),
    )
    session.add(template)
    try:
        session.flush()
    except IntegrityError as error:
        if "uq_mapping_template_fingerprint" in str(error.orig):
            raise DuplicateTemplate from None
        raise
    _keep_version(session, template, {}, actor)
    return template


def change_template(
    session: Session,
    template: MappingTemplate,
    content: Content,
    replay: Mapping[str, Any],
    actor: str,
) -> MappingTemplate:
    """Make `content` the next version of a locked template; `replay` is kept with it.

    Raises InvalidInput for targets or defaults that do not fit.
    """
    content = require_content(session, template.headers, content)
    for name, value in _columns(content, actor).items():
        setattr(template, name, value)
    template.version += 1
    session.flush()
    _keep_version(session, template, replay, actor)
    return template


def forget_template(session: Session, template_id: UUID) -> None:
    """Stop using a template; its versions stay. Raises NotFound."""
    template = get_template(session, template_id, lock=True)
    template.deleted_at = func.now()
    session.flush()


def require_version(template: MappingTemplate, version: int) -> None:
    """Refuse a change of something that has changed since it was read. Raises VersionStale."""
    if template.version != version:
        raise VersionStale(
            f"The template is at version {template.version}, not {version}. Read it again.",
            extra={"current_version": template.version},
        )


def require_content(session: Session, headers: Sequence[str], content: Content) -> Content:
    """The content with its defaults in their canonical form.

    Raises InvalidInput for what no file with these headers could be read by.
    """
    faults = [*_target_faults(headers, content.targets)]
    faults += [
        Fault(f"/defaults/{name}", "unknown_target", f"{name!r} has no default.")
        for name in content.defaults
        if name not in DEFAULTS
    ]
    faults += [
        Fault(f"/{answer}", "unknown_header", f"There is no column {header!r}.")
        for answer in ("decimal_marks", "units")
        for header in content.answers.get(answer) or {}
        if header not in headers
    ]
    defaults = dict(content.defaults)
    tenant = get_tenant(session)
    if defaults.get("fiscal_period"):
        period = resolve(defaults["fiscal_period"], tenant.fiscal_start_month)
        if period is None:
            detail = f"{defaults['fiscal_period']!r} names no fiscal period, such as FY2025."
            faults.append(Fault("/defaults/fiscal_period", "unknown_period", detail))
        else:
            defaults["fiscal_period"] = period.code
    currency = defaults.get("currency")
    if currency and (currency not in exponents() or currency not in tenant.allowed_currencies):
        detail = f"No budgets are kept in {currency}."
        faults.append(Fault("/defaults/currency", "currency_not_allowed", detail))
    if faults:
        raise InvalidInput("The template does not fit its headers.", faults=faults)
    return replace(content, defaults=defaults)


def _target_faults(headers: Sequence[str], targets: Sequence[str | None]) -> Iterator[Fault]:
    if len(targets) != len(headers):
        yield Fault("/mapping", "unknown_header", "There is a target for each column.")
    seen: dict[str, str] = {}
    for header, target in zip(headers, targets, strict=False):
        pointer = f"/mapping/{header}"
        if target is None or target in MEASURES:
            continue
        if target not in TARGETS:
            yield Fault(pointer, "unknown_target", f"{target!r} is no field.")
        elif target in seen:
            detail = f"{target} is given to {seen[target]} and to {header}."
            yield Fault(pointer, "duplicate_target", detail)
        seen[target] = header


def _columns(content: Content, actor: str) -> dict[str, Any]:
    return {**content.to_wire(), "updated_by": actor}


def _keep_version(
    session: Session, template: MappingTemplate, replay: Mapping[str, Any], actor: str
) -> None:
    session.add(
        MappingTemplateVersion(
            tenant_id=template.tenant_id,
            template_id=template.id,
            version=template.version,
            content=content_of(template).to_wire(),
            replay=dict(replay),
            changed_by=actor,
        )
    )
    session.flush()
