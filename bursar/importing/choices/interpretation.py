"""How one import reads its file: what was recognised, what was confirmed before, what was asked."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from bursar.errors import DuplicateTemplate
from bursar.importing.choices.confirming import with_choices
from bursar.importing.choices.templates import (
    Content,
    answers_for,
    apply_template,
    content_of,
    create_template,
    recall,
)
from bursar.importing.recognising.analysis import Analysis
from bursar.importing.runs import Wish
from schema.tables import ImportRun, Tenant


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The analysis with every choice laid in, and a wish that has only defaults and answers left.

    `template` is the id and version of the template that had its say.
    """

    analysis: Analysis
    wish: Wish
    is_budget: bool
    template: tuple[UUID, int] | None


def interpret(session: Session, tenant: Tenant, recognised: Analysis, wish: Wish) -> Interpretation:
    """Lay the tenant's template for these headers over what was recognised, and `wish` over both.

    Raises InvalidInput for a mapping that does not fit the file.
    """
    analysis, settled, used, forced = recognised, wish, None, wish.force_kind
    template = recall(session, recognised.headers)
    if template is not None:
        content = content_of(template)
        analysis = apply_template(analysis, template, content, tenant.fiscal_start_month)
        remembered = answers_for(recognised, template.headers, content)
        settled = replace(settled, answers={**remembered, **(wish.answers or {})})
        used = (template.id, template.version)
        forced = forced or content.force_kind
    return Interpretation(
        with_choices(analysis, wish.mapping),
        replace(settled, mapping=None, force_kind=forced),
        forced or recognised.detection.kind == "budget",
        used,
    )


_NOT_KEPT = ("unit", "units", "parents")


def remember(session: Session, run: ImportRun) -> None:
    """Keep what a person chose for this import as the template of files with these headers.

    Where there is a template already it stays as it is: changing it shows first what that does.
    Defaults, units and what is done with parents are not kept: the next file may be of another
    period or department, and says itself what it counts and sums up.
    """
    analysis = run.analysis or {}
    if not run.mapping or run.continues_id is not None or not analysis.get("columns"):
        return
    if recall(session, analysis["headers"]) is not None:
        return
    content = Content(
        name=_name(analysis["file_name"]),
        targets=tuple(column["target"] for column in analysis["columns"]),
        answers={name: value for name, value in run.answers.items() if name not in _NOT_KEPT},
        force_kind=run.force_kind,
    )
    with suppress(DuplicateTemplate), session.begin_nested():  # another import may be quicker
        template = create_template(
            session, run.tenant_id, analysis["headers"], content, run.created_by
        )
        run.template_id, run.template_version = template.id, template.version


def _name(file_name: str) -> str:
    return f"Files like {file_name}"[:200]
