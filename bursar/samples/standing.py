"""Whether a tenant holds sample data, and how far its loading or removal is.

The tenant's settings name the import that brought the data and the job that works on it last, so
every page can ask at the price of two look-ups by key. The budgets themselves have the source
`sample`, until an import of the tenant's own takes one over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from bursar.jobs.rows import ENDED
from bursar.tenants import get_tenant, hold_tenant, keep_setting
from schema.tables import Job

SOURCE = "sample"
SPEND, REMOVE = "samples.spend", "samples.remove"
_SETTING = "samples"


@dataclass(frozen=True, slots=True)
class Standing:
    """The import that brought the data, the job that works on it last, and how it stands.

    A `failed` loading has loaded nothing; `problem` says why, or why a removal did not end.
    """

    import_id: UUID
    job_id: UUID
    state: Literal["arriving", "there", "leaving", "failed"]
    problem: str | None = None

    @property
    def changing(self) -> bool:
        """Whether a worker is busy with it, or soon will be."""
        return self.state in ("arriving", "leaving")


def standing(session: Session) -> Standing | None:
    """How the tenant's sample data stands; None where there is none."""
    noted = get_tenant(session).settings.get(_SETTING)
    if noted is None:
        return None
    import_id, job_id = UUID(noted["import_id"]), UUID(noted["job_id"])
    job = session.execute(select(Job).where(Job.id == job_id)).scalar_one_or_none()
    if job is None:
        return Standing(import_id, job_id, "there")
    if job.state not in ENDED:
        return Standing(import_id, job_id, "leaving" if job.kind == REMOVE else "arriving")
    problem = str((job.error or {}).get("detail", "")) or None
    loaded = job.state == "succeeded" or job.kind in (SPEND, REMOVE)
    return Standing(import_id, job_id, "there" if loaded else "failed", problem)


def note(session: Session, import_id: UUID, job_id: UUID) -> None:
    """Write down which import brought the data and which job works on it."""
    named = {"import_id": str(import_id), "job_id": str(job_id)}
    keep_setting(session, _SETTING, named)


def forget(session: Session, import_id: UUID) -> None:
    """Write down that the data of this import is gone."""
    noted = hold_tenant(session).settings.get(_SETTING, {})
    if noted.get("import_id") == str(import_id):
        keep_setting(session, _SETTING, None)
