"""A tenant that has some of everything, and what stands in the addresses of its pages."""

from __future__ import annotations

from tests.live.caller import Caller, csv_of
from tests.live.stack import Live

_ROWS = [("Legal", "Software", "1000"), ("Legal", "Travel", "500"), ("Sales", "Ads", "2500.50")]
_BAD = b"Department,Fiscal Year,Budget\nOps,FY2025,12\nOps,FY2025,many\n"
_STRANGE = b"Alpha,Beta\nx,y\nz,w\n"


def fill(live: Live) -> dict[str, str]:
    """Fill the tenant. Returns what stands in addresses, by the name that routes give it."""
    caller = Caller(live.url, live.key, live.tenant_id)
    done = caller.import_file(csv_of(_ROWS), "plan.csv")
    rejected = caller.import_file(_BAD, "bad.csv", mode="skip_errors")
    waiting = caller.import_file(_STRANGE, "strange.csv")
    budget = caller.get("/budgets", q="Software")["data"][0]["id"]
    _spend(caller, budget)
    (live.home / "drop" / str(live.tenant_id)).mkdir(parents=True, exist_ok=True)
    source = {"name": "Drop", "type": "folder", "config": {}, "schedule": "0 2 * * *"}
    hook = {"url": "https://example.invalid/hook", "events": ["alert.raised"]}
    rule = {"name": "Small things", "auto_approve_up_to": "100"}
    mapping = {"Topf": "department", "Plan": "budgeted_amount"}
    template = {"name": "Pots", "headers": ["Topf", "Plan"], "mapping": mapping}
    return {
        "budget_id": budget,
        "import_id": rejected["id"],
        "done_id": done["id"],
        "file_id": waiting["file_id"],
        "job_id": caller.get("/jobs")["data"][0]["id"],
        "source_id": caller.post("/sources", source)["id"],
        "webhook_id": caller.post("/webhooks", hook)["id"],
        "rule_id": caller.post("/approval-rules", rule)["id"],
        "template_id": caller.post("/mapping-templates", template)["id"],
        "member_id": caller.get("/members")["data"][0]["id"],
        "period_id": caller.get("/periods")["data"][0]["id"],
        "kind": "sftp",
        "section": "budgets",
    }


def _spend(caller: Caller, budget: str) -> None:
    """Charge, reserve past the soft cap, and be refused: entries, a hold and alerts."""
    for reference, amount in (("PO-1", "300"), ("PO-2", "550")):
        body = {"amount": amount, "currency": "USD", "ref_id": reference}
        caller.post(f"/budgets/{budget}/reservations", body)
    caller.post("/reservations/PO-1/charge", {})
    more = {"amount": "999", "currency": "USD", "ref_id": "PO-3"}
    refused = caller.try_post(f"/budgets/{budget}/reservations", more)
    assert refused.status_code == 409, refused.text
