"""A server that receives webhooks and checks them with the standard's own library."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Keeps what it was sent; answers by `statuses`, newest last, then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.secrets: list[str] = []
        self.received: list[tuple[str, Any]] = []
        self.unverified = 0
        self.redirected = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(dict(self.headers), body)
                status = receiver.statuses.pop() if receiver.statuses else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", receiver.url)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> None:
        for secret in self.secrets:
            try:
                content = Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                continue
            lower = {name.lower(): value for name, value in headers.items()}
            self.received.append((lower["webhook-id"], content))
            return
        self.unverified += 1

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
