"""Sample data: loading and removing it."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g, jsonify, make_response
from flask_openapi3 import APIBlueprint, Tag
from sqlalchemy.orm import Session

from bursar.samples import loading, removing
from web import idempotency
from web.api.importing_wire import StartedOut
from web.api.wire import Out, problems
from web.auth import EDIT, principal, require, transaction
from web.jobs import announce

api = APIBlueprint(
    "samples", __name__, url_prefix="/api/v1/samples", abp_tags=[Tag(name="Sample data")]
)


class RemovalOut(Out):
    """The job that takes the sample data away."""

    job_id: UUID


@api.post("", responses={"202": StartedOut, **problems(400, 409)})
@require(EDIT)
def load_samples() -> Response:
    """Load sample budgets of the present fiscal year, and use some of what they have.

    The spreadsheet goes through an ordinary import, whose id this is; follow it at `Location`.
    """
    who = principal()

    def work(session: Session) -> idempotency.Answer:
        run, bell = loading.request_load(session, who.tenant_id, who.actor, g.request_id)
        return idempotency.Answer(
            202,
            {"id": str(run.id), "job_id": str(bell.job_id), "state": run.state},
            {"Location": f"/api/v1/jobs/{bell.job_id}"},
            after_commit=lambda: announce(bell),
        )

    return idempotency.once(work, None)


@api.delete("", responses={"202": RemovalOut, **problems(404)})
@require(EDIT)
def remove_samples() -> Response:
    """Remove the sample data: what is held is released, budgets are deleted, entries stay."""
    who = principal()
    with transaction() as session:
        bell = removing.request_removal(session, who.tenant_id, who.actor, g.request_id)
    announce(bell)
    location = {"Location": f"/api/v1/jobs/{bell.job_id}"}
    return make_response(jsonify(job_id=str(bell.job_id)), 202, location)
