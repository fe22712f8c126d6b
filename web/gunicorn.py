"""Gunicorn's settings: a few processes of threads, each with its own connections."""

import atexit
import gc
import os
import shutil
import signal
import sys
import tempfile
from typing import Any

from bursar.config import settings
from bursar.errors import Misconfigured

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
    # Gunicorn listens to signals and cleans up from later on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    atexit.register(_forget_counts, os.getpid())
    gc.disable()  # nothing of it is garbage, and looking for some takes a fifth of the time
    from web.ready import prepared

    try:
        prepared()
    except Misconfigured as error:
        sys.exit(str(error))
    gc.freeze()
    gc.enable()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _forget_counts(owner: int) -> None:
    """Leave nothing behind; the processes that were forked leave it alone."""
    if os.getpid() == owner:
        shutil.rmtree(_folder, ignore_errors=True)
