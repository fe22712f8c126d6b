"""Health and metrics, for load balancers, operators and Prometheus."""

from __future__ import annotations

import os

import redis
from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client import multiprocess as prometheus_multiprocess
from sqlalchemy import text

from bursar import schedules
from bursar.config import settings
from bursar.database import database
from schema.migrate import behind
from web.auth import READ, require

api = Blueprint("health", __name__)


@api.get("/healthz")
def healthz() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@api.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Whether everything that work needs is up; names what is not."""
    checks = {"database": _database(), "broker": _broker(), **_processes()}
    ready = all(state == "ok" for state in checks.values())
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return jsonify(body), 200 if ready else 503


def _database() -> str:
    try:
        with database().engine.connect() as connection:
            return behind(connection) or "ok"
    except Exception as error:  # noqa: BLE001  whatever it is, the database is not ready
        return f"down: {type(error).__name__}"


def _broker() -> str:
    url = settings().redis()
    if not url:
        return "ok" if settings().broker_url else "down: no broker is set"
    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1) as client:
            client.ping()
    except redis.RedisError as error:
        return f"down: {type(error).__name__}"
    return "ok"


def _processes() -> dict[str, str]:
    try:
        processes = schedules.processes(database())
    except Exception:  # noqa: BLE001  said by the database's own check
        return dict.fromkeys(schedules.SILENT_AFTER, "unknown")
    return {
        one.name: "ok" if one.state == "healthy" else "down: not seen lately" for one in processes
    }


@api.get("/metrics")
@require(READ)
def metrics() -> Response:
    """Counters of the web processes and the state of the queues, in Prometheus' text format."""
    registry = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        prometheus_multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    queues = Gauge("bursar_jobs", "Jobs that wait or run.", ["queue", "state"], registry=registry)
    oldest = Gauge(
        "bursar_oldest_job_seconds", "Since the oldest job of a queue was ready.", ["queue"],
        registry=registry,
    )  # fmt: skip
    seen = Gauge(
        "bursar_heartbeat_age_seconds", "Since a kind of process was last seen.", ["process"],
        registry=registry,
    )  # fmt: skip
    for name, age in schedules.last_seen(database()).items():
        seen.labels(name).set(age)
    _proofs(registry)
    with database().transaction(None) as session:
        for row in session.execute(
            text(
                "select queue, state, jobs, greatest(extract(epoch from now() - oldest), 0) as age"
                " from job_totals()"
            )
        ):
            queues.labels(row.queue, row.state).set(row.jobs)
            if row.state == "queued":
                oldest.labels(row.queue).set(row.age)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _proofs(registry: CollectorRegistry) -> None:
    age = Gauge(
        "bursar_ledger_age_seconds",
        "Since the ledger of the tenant that waits longest was proven, reconciled or sealed.",
        ["what"], registry=registry,
    )  # fmt: skip
    frozen = Gauge(
        "bursar_ledger_frozen_accounts", "Accounts frozen because they do not prove.",
        registry=registry,
    )  # fmt: skip
    with database().transaction(None) as session:
        row = session.execute(text("select *, now() from proof_totals()")).one()
    frozen.set(row.frozen)
    for what in ("proven", "reconciled", "sealed"):
        moment = getattr(row, f"{what}_at")
        if moment is not None:
            age.labels(what).set((row.now - moment).total_seconds())
