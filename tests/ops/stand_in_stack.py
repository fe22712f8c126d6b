"""A supervisor with small stand-ins for Bursar's processes, to be killed and watched by tests."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bursar.config import Settings
from bursar.errors import BursarError
from ops.cli.output import say
from ops.stack import postgres
from ops.stack.home import Home, open_home
from ops.stack.processes import Process
from ops.stack.supervisor import Supervisor

STEPS = ((signal.SIGTERM, 5.0),)
WEB = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["BURSAR_PORT"])), Page).serve_forever()
"""
# Ends politely, and leaves a child that does not.
WORKER = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
subprocess.Popen([sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"])
print("working", flush=True)
time.sleep(600)
"""
BROKEN = "import sys; sys.exit('no such queue')"


def stand_ins(kind: str) -> list[Process]:
    worker = BROKEN if kind == "broken" else WORKER
    return [
        Process("web", (sys.executable, "-c", WEB), STEPS, {}),
        Process("worker", (sys.executable, "-c", worker), STEPS, {}),
    ]


def main() -> None:
    home = open_home(Path(sys.argv[1]))
    assert home is not None
    postgres.SETTINGS = {**postgres.SETTINGS, **postgres.CARELESS}

    def table(_home: Home, _settings: Settings, _port: int) -> Sequence[Process]:
        return stand_ins(sys.argv[2])

    try:
        # Where the database is not what the test is about, it is said to be elsewhere.
        url = "" if sys.argv[2] == "database" else "postgresql://elsewhere/bursar"
        settings = Settings(home=home.path, port=0, database_url=url)
        Supervisor(home, settings, say, table).run()
    except BursarError as error:
        sys.exit(error.detail)


if __name__ == "__main__":
    main()
