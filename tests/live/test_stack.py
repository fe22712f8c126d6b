"""The stack that `bursar up` starts, as a caller from outside meets it."""

import json

from ops.cli.client import Client
from tests.live.stack import Live


def test_the_stack_answers_and_its_parts_run(live: Live) -> None:
    status = json.loads(live.command("status", "--json").stdout)
    assert (status["state"], status["web_url"]) == ("ready", live.url)
    assert {one["state"] for one in status["processes"]} == {"running"}
    assert Client(live.url, live.another().key).get("/budgets")["data"] == []
