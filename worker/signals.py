"""What happens around a worker's life: logs, fresh connections in each child, a sign of life."""

from __future__ import annotations

import threading
from typing import Any

import structlog
from celery.beat import Service
from celery.signals import beat_init, setup_logging, worker_init, worker_process_init, worker_ready
from kombu.exceptions import OperationalError

from bursar import logs, schedules
from bursar.database import database
from bursar.errors import Misconfigured

log = structlog.get_logger("bursar.worker")
SIGN_OF_LIFE_SECONDS = 5


@setup_logging.connect
def configure_logs(**_: Any) -> None:
    """Ours instead of Celery's own format."""
    logs.configure()


@worker_init.connect
@beat_init.connect
def refuse_unsafe_role(**_: Any) -> None:
    """Start only as a role that row-level security binds."""
    try:
        database()
    except Misconfigured as error:
        raise SystemExit(str(error)) from error  # Celery goes on after anything less


@beat_init.connect
def tick_at_once(sender: Service, **_: Any) -> None:
    """Look for what fell due while nobody looked, and not only after a first interval."""
    try:
        sender.app.send_task(
            "tick", retry=False, **sender.app.conf.beat_schedule["tick"]["options"]
        )
    except OperationalError as error:
        log.warning("no tick at once", error=type(error).__name__)


@worker_process_init.connect
def open_connections(**_: Any) -> None:
    """Each child opens its own; connections do not survive a fork."""
    database()


@worker_ready.connect
def show_life(**_: Any) -> None:
    """Write a heartbeat row while this worker lives, for `/readyz` and the operator."""

    def beat() -> None:
        waiting = threading.Event()
        while True:
            try:
                schedules.beat(database(), "worker")
            except Exception as error:  # noqa: BLE001  the next beat may succeed
                log.warning("heartbeat missed", error=type(error).__name__)
            waiting.wait(SIGN_OF_LIFE_SECONDS)

    threading.Thread(target=beat, name="sign-of-life", daemon=True).start()
