"""Gunicorn's settings: a few processes of threads, each with its own connections."""

import gc
import os
import shutil
import tempfile
from typing import Any

from bursar.config import settings

chosen = settings()
bind = f"{chosen.bind}:{chosen.port}"
workers = chosen.web_processes
worker_class = "gthread"
threads = chosen.web_threads
timeout = 60
graceful_timeout = 20
keepalive = 30
# Sharing memory for heartbeats keeps a busy disk from looking like a dead worker.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True

# Each process counts in files of its own; /metrics adds them up.
_folder = os.environ.setdefault(
    "PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="bursar-metrics-")
)


def on_starting(_server: Any) -> None:
    """Prepare all before there are processes: they share it, and a new one is there at once."""
    gc.disable()  # nothing of it is garbage, and looking for some takes a fifth of the time
    from web.ready import prepared

    prepared()
    gc.freeze()
    gc.enable()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(_folder, ignore_errors=True)
