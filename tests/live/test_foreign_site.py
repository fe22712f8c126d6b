"""A hostile site in a real browser, while somebody is logged in to Bursar."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.live.browser import Watched
from tests.live.caller import Caller, csv_of
from tests.live.stack import Live

PAGE = """<!doctype html><title>Win a prize</title>
<form id="f" method="post" action="{url}/budgets/{budget}/release" target="answer">
<input name="ref_type" value="reservation"><input name="ref_id" value="PO-1"></form>
<iframe name="answer"></iframe><iframe id="frame" src="{url}/budgets"></iframe>"""
TRIES = """async ([url, budget]) => {
  const said = [];
  const asked = [
    ["/budgets", {}], ["/api/v1/budgets", {}], ["/live", {}],
    ["/budgets/" + budget + "/release", {method: "POST", body: new URLSearchParams(
      {ref_type: "reservation", ref_id: "PO-1"})}],
    ["/api/v1/budgets", {method: "POST", headers: {"Content-Type": "application/json"},
      body: "{}"}],
  ];
  for (const [path, options] of asked) {
    try {
      const answer = await fetch(url + path, {credentials: "include", ...options});
      said.push(path + " " + answer.status);
    } catch (refused) { said.push("refused"); }
  }
  return said;
}"""


@pytest.fixture
def hostile() -> Iterator[ThreadingHTTPServer]:
    """A site of somebody else; on loopback, so that the browser even sends it Bursar's cookies."""

    class Site(BaseHTTPRequestHandler):
        body = b""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(type(self).body)

        def log_message(self, *_: object) -> None:
            """Nothing is told."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_hostile_site_reads_nothing_and_changes_nothing(
    browser: Browser, mine: Live, hostile: ThreadingHTTPServer, host: str
) -> None:
    caller = Caller(mine.url, mine.key, mine.tenant_id)
    caller.import_file(csv_of([("Legal", "Software", "1000")]), "plan.csv")
    budget = caller.get("/budgets")["data"][0]["id"]
    body = {"amount": "300", "currency": "USD", "ref_id": "PO-1"}
    caller.post(f"/budgets/{budget}/reservations", body)
    hostile.RequestHandlerClass.body = PAGE.format(url=mine.url, budget=budget).encode()  # type: ignore[attr-defined]
    with browser.new_context() as context:
        watched = Watched(context, mine)
        page = watched.log_in(mine)
        page.goto(f"http://{host}:{hostile.server_address[1]}/")
        assert page.evaluate(TRIES, [mine.url, budget]) == ["refused"] * 5
        page.evaluate("document.getElementById('f').submit()")
        page.wait_for_timeout(500)
        # Neither the list nor the answer to the form is drawn within the other site.
        drawn = [frame for frame in page.frames if frame.url.startswith(mine.url)]
        for frame in drawn:
            assert frame.locator("h1").count() == 0
        # Whoever it belongs to is still logged in, and what is set aside is still held.
        watched.open(f"/budgets/{budget}")
        assert page.get_by_text("PO-1").count() >= 1
    assert caller.get(f"/budgets/{budget}")["reserved"] == "300.00"
