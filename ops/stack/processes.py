"""Bursar's own processes: what each is called, how it is started and in which environment.

The one table of them: the embedded stack and docker-compose.yml start the very same commands.
"""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bursar.config import Settings
from ops.stack.account import Account
from ops.stack.home import Home
from ops.stack.running import StopSteps
from ops.stack.urls import StackUrls

ROOT = Path(__file__).resolve().parents[2]
# Set for us alone; what else an operator sets with this prefix goes to every process.
OWNERS_ONLY = ("BURSAR_OWNER_DATABASE_URL", "BURSAR_SECRETS_DIR")


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the application."""

    name: str
    argv: tuple[str, ...]
    steps: StopSteps
    # A further environment of its own.
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Places:
    """What differs between one machine and a container."""

    python: str
    worker_processes: int
    beat_schedule: str
    flower_address: str
    flower_port: int
    flower_password: str = ""
    flower_url: str = ""


def processes(places: Places) -> list[Process]:
    """The table, in the order of starting; they stop in the reverse order."""
    celery = (places.python, "-m", "celery", "-A", "worker.app")
    polite = ((signal.SIGTERM, 30.0),)
    return [
        Process(
            "web",
            (places.python, "-m", "gunicorn", "-c", "python:web.gunicorn", "web.wsgi:app"),
            polite,
            {"BURSAR_FLOWER_URL": places.flower_url} if places.flower_url else {},
        ),
        Process(
            "worker",
            (
                *(*celery, "worker", "--hostname=worker@%h", "--loglevel=INFO"),
                f"--concurrency={places.worker_processes}",
                # Workers ask each other for nothing: what they share is in PostgreSQL.
                *("--without-mingle", "--without-gossip"),
            ),
            # A warm stop lets jobs end; after it a soft one gives them back to be claimed again.
            ((signal.SIGTERM, 20.0), (signal.SIGQUIT, 25.0)),
            {},
        ),
        Process(
            "beat",
            (
                *(*celery, "beat", "--loglevel=INFO", "--pidfile="),
                f"--schedule={places.beat_schedule}",
            ),
            polite,
            {},
        ),
        Process(
            "flower",
            (
                *(*celery, "flower", f"--address={places.flower_address}"),
                f"--port={places.flower_port}",
                # People reach it through the web server, which knows who they are, and only look:
                # what it would change in the broker goes past the rows of the jobs.
                *("--url-prefix=flower", "--read-only=True"),
            ),
            ((signal.SIGTERM, 10.0),),
            _flower_environment(places),
        ),
    ]


def _flower_environment(places: Places) -> dict[str, str]:
    """Other users of this machine reach the loopback address too, so Flower wants a password."""
    if not places.flower_password:
        return {}
    return {"FLOWER_BASIC_AUTH": f"bursar:{places.flower_password}"}


def embedded(home: Home, settings: Settings, flower_port: int) -> list[Process]:
    """The table for this machine."""
    password = home.secret("flower_password")
    return processes(
        Places(
            python=sys.executable,
            worker_processes=settings.worker_processes,
            beat_schedule=str(home.path / "beat" / "schedule"),
            flower_address="127.0.0.1",
            flower_port=flower_port,
            flower_password=password,
            flower_url=settings.flower_url
            or f"http://bursar:{quote(password, safe='')}@127.0.0.1:{flower_port}/flower",
        )
    )


def secrets_keys(home: Home, settings: Settings) -> str:
    """The keys of the settings, and last the one that this installation has made for itself."""
    digest = hashlib.sha256(home.secret("secrets_key").encode()).digest()
    own = base64.urlsafe_b64encode(digest).decode()
    return ",".join(filter(None, [settings.secrets_key.get_secret_value(), own]))


def shared_environment(
    home: Home, settings: Settings, urls: StackUrls, ports: tuple[int, int], account: Account
) -> dict[str, str]:
    """The environment of every process; `ports` are those of the web server and of Flower."""
    kept = {name: value for name, value in os.environ.items() if name not in OWNERS_ONLY}
    path = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    ours = {
        "PYTHONPATH": os.pathsep.join(str(Path(entry).resolve()) for entry in path),
        "PYTHONUNBUFFERED": "1",
        "BURSAR_HOME": str(home.path),
        "BURSAR_DATABASE_URL": urls.database_url,
        "BURSAR_BROKER_URL": urls.broker_url,
        "BURSAR_REDIS_URL": urls.redis_url,
        "BURSAR_FILE_STORE": str(settings.file_store or home.path / "files"),
        "BURSAR_SECRET_KEY": settings.secret_key.get_secret_value() or home.secret("secret_key"),
        "BURSAR_SECRETS_KEY": secrets_keys(home, settings),
        "BURSAR_PORT": str(ports[0]),
        "BURSAR_FLOWER_PORT": str(ports[1]),
    }
    if account.uid == 0:
        ours["C_FORCE_ROOT"] = "1"  # Celery refuses to run as root without being told so.
    if account.switch:
        ours["HOME"] = str(home.path)
    return {**kept, **ours}
