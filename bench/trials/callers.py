"""Everything of the product that calls a host on somebody's word, through its API and its jobs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

from bench.stack import BenchStack
from bursar.config import settings
from bursar.jobs import runner
from bursar.sources import outcomes
from bursar.tenants import create_key
from bursar.webhooks import deliveries
from connectors.syncing import sync
from schema.tables import Job
from tests.api_client import Api
from tests.connectors.peers.google_server import Google
from web.app import create_app


class Callers:
    """A tenant's API. Each way out gives the codes of all answers that it got."""

    def __init__(self, stack: BenchStack) -> None:
        self._database = stack.database
        self._tenant_id, _ = stack.tenant()
        with stack.database.transaction(self._tenant_id, "trial") as session:
            key = create_key(session, self._tenant_id, "admin")
        self._app, self._key = create_app(), key
        self._account = Google().account()

    def webhook(self, url: str) -> set[str]:
        """Make a webhook; where that is possible, send a test."""
        answer = self._api().post("/webhooks", {"url": url})
        if answer.status_code != 201:
            return {_refusal(answer)}
        return self.deliver(answer.get_json()["id"])

    def make_webhook(self, url: str) -> str:
        """A webhook that is allowed."""
        answer = self._api().post("/webhooks", {"url": url})
        assert answer.status_code == 201, answer.text
        return str(answer.get_json()["id"])

    def deliver(self, webhook: str) -> set[str]:
        """Send a test and switch the webhook off, so that only it is called."""
        api = self._api()
        sent = api.post(f"/webhooks/{webhook}/test").get_json()
        state = deliveries.deliver(self._database, self._tenant_id, UUID(sent["id"]))
        told = api.get(f"/webhooks/{webhook}/deliveries").get_json()["data"][0]
        api.call("DELETE", f"/webhooks/{webhook}")
        if state == "delivered":
            return {"delivered"}
        refused = "not a public address" in told["last_error"] or "no host" in told["last_error"]
        return {"host_not_allowed" if refused else "delivery_failed"}

    def sftp(self, host: str, port: int) -> set[str]:
        """Test an SFTP source, and run it."""
        config = {"host": host, "port": port, "username": "u"}
        return self._source("sftp", config, {"password": "p"})

    def s3(self, **config: str) -> set[str]:
        """Test an S3 source, and run it."""
        secret = {"access_key_id": "AKIATRIAL", "secret_access_key": "a secret"}
        return self._source("s3", {"bucket": "budgets", **config}, secret)

    def sheets(self, base_url: str, **account: str) -> set[str]:
        """Test a Sheets source and run it; `base_url` stands in for Google."""
        before, settings().sheets_base_url = settings().sheets_base_url, base_url
        try:
            secret = {"service_account": self._account | account}
            return self._source("sheets", {"spreadsheet_id": "abc"}, secret)
        finally:
            settings().sheets_base_url = before

    def _source(self, kind: str, config: dict[str, Any], secret: dict[str, Any]) -> set[str]:
        api = self._api()
        body = {"name": uuid4().hex, "type": kind, "config": config, "secret": secret}
        made = api.post("/sources", body)
        if made.status_code != 201:
            return {_refusal(made)}
        source = made.get_json()["id"]
        tested = api.post(f"/sources/{source}/test")
        codes = {tested.get_json()["code"] if tested.status_code == 200 else _refusal(tested)}
        job_id = UUID(api.post(f"/sources/{source}/sync").get_json()["job_id"])
        runner.run(
            self._database, self._tenant_id, job_id,
            lambda lease: sync(lease, lambda _: None), outcomes.record_failure,
        )  # fmt: skip
        with self._database.transaction(self._tenant_id) as session:
            job = session.get_one(Job, (self._tenant_id, job_id))
            codes.add((job.error or {}).get("code", job.state))
        api.call("DELETE", f"/sources/{source}")
        return codes

    def _api(self) -> Api:
        # One for each call: a test client is not made for many threads.
        return Api(self._app, self._key)


def _refusal(answer: Any) -> str:
    """The code of a problem; what is no typed refusal is told by its status."""
    told = answer.get_json(silent=True) or {}
    return str(told.get("code")) if answer.status_code < 500 else f"status {answer.status_code}"


class Redirector:
    """An HTTP server that answers everything by sending its caller elsewhere."""

    def __init__(self) -> None:
        self.asked = 0
        self._place, self._status = "/", 302
        redirector = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                redirector.asked += 1
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(redirector._status)
                self.send_header("Location", redirector._place)
                # What S3 says to lead a client to another region.
                self.send_header("x-amz-bucket-region", "x.trial")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.do_GET()

            def do_HEAD(self) -> None:
                self.do_GET()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def lead_to(self, place: str, status: int) -> None:
        """Send everybody there from now on."""
        self._place, self._status = place, status

    def stop(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._server.server_close()
