"""What a new tenant does first, and what of it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from bursar.importing.runs import DONE
from bursar.samples.standing import SOURCE
from bursar.tenants import get_tenant, keep_setting
from schema.tables import ApiKey, ApprovalRule, ImportRun, Membership
from schema.tables import Source as FileSource

Name = Literal["import", "people", "control", "key"]
_DISMISSED = "first_steps_dismissed"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps: bring a file in, invite people, set up a rule or a source, make a
    key for programs.
    """

    name: Name
    done: bool


def first_steps(session: Session) -> list[Step]:
    """The first steps in their order; none when all are done, or somebody wants to see no more."""
    if get_tenant(session).settings.get(_DISMISSED):
        return []
    imported = exists().where(ImportRun.state.in_(DONE), ImportRun.source_type != SOURCE)
    members = select(func.count()).where(Membership.deleted_at.is_(None)).scalar_subquery()
    ruled = exists().where(ApprovalRule.is_active)
    fed = exists().where(FileSource.deleted_at.is_(None))
    keyed = exists().where(ApiKey.deleted_at.is_(None))
    done = session.execute(select(imported, members > 1, ruled | fed, keyed)).one()
    names: tuple[Name, ...] = ("import", "people", "control", "key")
    steps = [Step(name, bool(is_done)) for name, is_done in zip(names, done, strict=True)]
    return [] if all(step.done for step in steps) else steps


def dismiss(session: Session) -> None:
    """Show the tenant its first steps no more."""
    keep_setting(session, _DISMISSED, True)
