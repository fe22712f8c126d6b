"""Ringing for a worker. A lost ring is no loss: the sweeper rings again from the job rows."""

from __future__ import annotations

import os
import threading
import time
from functools import lru_cache

import structlog
from celery import Celery

from bursar.config import settings
from bursar.jobs.rows import Bell

log = structlog.get_logger("bursar.doorbell")

# While the broker is away, requests must not wait for it one after the other.
_PAUSE_SECONDS = 5.0
_paused_until = 0.0
_lock = threading.Lock()


def broker_options() -> dict[str, object]:
    """How every process talks to the broker: briefly, and without hanging on a dead one."""
    return {
        "visibility_timeout": 3600,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 15,
    }


@lru_cache(maxsize=1)
def _producer(_pid: int) -> Celery:
    # One a process: a forked child must not share its parent's socket.
    app = Celery("bursar-doorbell", broker=settings().broker_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        # A request must not wait long for a broker that hangs: its job row is safe already.
        broker_transport_options=broker_options() | {"socket_timeout": 1},
        broker_connection_timeout=1,
        task_publish_retry=False,
    )
    return app


def ring(bell: Bell) -> bool:
    """Tell a worker of the job. False when the broker is away; the job then waits for the sweep."""
    global _paused_until  # noqa: PLW0603  one circuit a process
    with _lock:
        if time.monotonic() < _paused_until:
            return False
    try:
        _producer(os.getpid()).send_task(
            bell.kind, args=[str(bell.tenant_id), str(bell.job_id)], queue=bell.queue, retry=False
        )
    except Exception as error:  # noqa: BLE001  kombu raises what its transports raise
        with _lock:
            _paused_until = time.monotonic() + _PAUSE_SECONDS
        log.warning("broker is away; the sweeper will ring", error=type(error).__name__)
        return False
    return True
