"""Servers that tests start as processes of their own, and stop by their process ids."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[3]
UNPACKED = ROOT / ".venv/peers/root"


def program(name: str, *places: str) -> str:
    """A server's program: the system's, else the one that `ops/peers.sh` has unpacked."""
    for place in (*places, f"{UNPACKED}/usr/sbin/{name}", f"{UNPACKED}/usr/bin/{name}"):
        if Path(place).exists():
            return place
    found = shutil.which(name)
    # A failure, not a skip: without it nothing of the connectors would be checked.
    assert found, f"no {name} here; `sh ops/peers.sh` gets one"
    return found


def libraries() -> dict[str, str]:
    """Where programs that were unpacked find theirs."""
    folders = sorted({str(path.parent) for path in UNPACKED.rglob("*.so.*")})
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A process that answers on a port of this machine until it is stopped."""

    def __init__(self, command: Sequence[str], port: int, log: Path, **environment: str) -> None:
        self.port = port
        self._log = log
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env={**os.environ, **environment},
            )  # fmt: skip
        self._await_answer()

    def _await_answer(self) -> None:
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.stop()
        raise AssertionError(f"the server did not start:\n{self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
