"""Whether the ledger holds: verify it or an evidence pack, reconcile, mend, seal."""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.errors import InvalidInput
from bursar.proof.evidence_check import check_pack
from bursar.proof.fixing import acknowledged
from bursar.proof.reconcile import broken_budgets
from bursar.proof.seals import check_seals, held_against
from ops.cli.client import client, find_tenant, local_database
from ops.cli.output import complain, give, give_json, say
from ops.cli.tables import give_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
BudgetId = Annotated[str, typer.Argument(help="Id of the budget.")]
EXIT_BROKEN = 4
_EXCUSES = "acknowledgements.ndjson"
_ENDED = ("succeeded", "failed", "dead", "cancelled")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    for command in (verify, evidence, reconcile, seal, seals):
        app.command()(command)
    app.command("fix-discrepancy")(fix_discrepancy)
    app.command("signing-keys")(signing_keys)


def verify(
    pack: Annotated[
        Path | None, typer.Argument(help="An evidence pack; without it, the database.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Public key in hex that the pack must be signed with.")
    ] = None,
    seal: Annotated[
        Path | None, typer.Option(help="What `bursar seal --json` printed, kept elsewhere.")
    ] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Derive every balance from its entries and re-walk every chain. Exit code 4: one is broken."""
    if pack is not None:
        _verify_pack(pack, key, as_json)
        return
    database = local_database()
    tenant_id = find_tenant(database, tenant)
    with database.transaction(tenant_id, "shell") as session:
        broken = broken_budgets(session, tenant_id)
        unsealed = check_seals(session, tenant_id)
        if seal is not None:
            unsealed += held_against(session, _statement(seal))
        excused = [
            {
                "budget_id": str(one.budget_id), "account_id": str(one.account_id), "seq": one.seq,
                "reason": one.reason, "actor": one.actor, "at": one.created_at.isoformat(),
            }
            for one in acknowledged(session, tenant_id)
        ]  # fmt: skip
    database.close()
    if as_json:
        told = [{"budget_id": str(b), "detail": d} for b, d in broken]
        give_json({"broken": told, "seals": unsealed, "acknowledged": excused})
    else:
        for one in excused:
            say(
                f"acknowledged: budget {one['budget_id']}: entry {one['seq']}, by {one['actor']}"
                f" at {one['at']}: {one['reason']}"
            )
        for line in (*(f"budget {budget}: {what}" for budget, what in broken), *unsealed):
            complain(line)
        if not broken and not unsealed:
            give("every balance follows from its entries, and every chain is whole")
    if broken or unsealed:
        sys.exit(EXIT_BROKEN)


def _statement(kept: Path) -> str:
    try:
        return str(json.loads(kept.read_text(encoding="utf-8"))["statement"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{kept} is not what `bursar seal --json` prints: {error}") from None


def _verify_pack(pack: Path, key: str | None, as_json: bool) -> None:
    checked = check_pack(pack, key)
    if as_json:
        give_json(
            {
                "tenant_id": checked.tenant_id, "budget_id": checked.budget_id,
                "made_at": checked.made_at, "accounts": checked.accounts,
                "entries": checked.entries, "seals": checked.seals,
                "acknowledged": checked.acknowledged,
                "broken": [
                    {"account_id": one.account_id, "seq": one.seq, "detail": str(one)}
                    for one in checked.findings
                ],
            }
        )  # fmt: skip
    else:
        for one in checked.findings:
            complain(str(one))
        if not checked.findings:
            give(
                f"{checked.entries} entries of {checked.accounts} accounts under {checked.seals}"
                f" seals: every chain is whole, and the pack is as it was signed {checked.made_at}"
            )
            if checked.acknowledged:
                say(f"{checked.acknowledged} breaks in it are acknowledged; see {_EXCUSES}")
            if key is None:
                say("signed with " + ", ".join(checked.keys.values()) + "; is that your key?")
    if checked.findings:
        sys.exit(EXIT_BROKEN)


def evidence(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")],
    budget: Annotated[str | None, typer.Option(help="Only this budget.")] = None,
    tenant: Tenant = None,
) -> None:
    """Write entries, heads, seals and public keys to a signed file that proves itself anywhere."""
    part = output.with_name(f".{output.name}.part")
    try:
        with part.open("wb") as target:
            client(tenant).copy("/evidence", target, budget_id=budget)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    say(f"wrote {output}; check it anywhere with `bursar verify {output}`")


def reconcile(
    budget: Annotated[str | None, typer.Option(help="Only this budget.")] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Reconcile all budgets as a job, or one at once. Exit code 4: a discrepancy was found."""
    api = client(tenant)
    if budget is not None:
        found = api.post(f"/budgets/{budget}/reconcile?whole_chain=true")
        wrong = found["first_bad_seq"] is not None or Decimal(found["discrepancy"]) != 0
        lines = [f"differs by {found['discrepancy']}, first bad entry {found['first_bad_seq']}"]
    else:
        found = _finished(api, api.post("/reconcile")["job_id"])
        wrong = found["discrepancies"] > 0
        lines = [f"budget {one['budget_id']}: {one['detail']}" for one in found["broken"]]
    if as_json:
        give_json(found)
    elif wrong:
        for line in lines:
            complain(line)
    else:
        give(f"{found['entries']} entries: every counter follows from them")
    if wrong:
        sys.exit(EXIT_BROKEN)


def _finished(api: Any, job_id: str) -> dict[str, Any]:
    """The result of a job when it has ended; ends the command when that was no success."""
    while True:
        job = api.get(f"/jobs/{job_id}")
        if job["state"] == "succeeded":
            result: dict[str, Any] = job["result"]
            return result
        if job["state"] in _ENDED:
            complain(f"job {job_id} {job['state']}: {(job['error'] or {}).get('detail')}")
            sys.exit(1)
        time.sleep(0.5)


def fix_discrepancy(
    budget_id: BudgetId,
    reason: Annotated[str, typer.Option(help="Why; it stays on record.")],
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Mend a budget that does not prove: counters from its entries, or entries to fit them."""
    done = client(tenant).post(f"/budgets/{budget_id}/fix-discrepancy", {"reason": reason})
    if as_json:
        give_json(done)
    elif not done["repairs"]:
        give("nothing was wrong")
    else:
        for one in done["repairs"]:
            give(f"{one['outcome']}: {one['entries']} entries posted")


def seal(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Seal the heads of all accounts now; keep what it prints on another machine."""
    made = client(tenant).post("/seals")
    give_json(made) if as_json else give(f"seal {made['no']} over {made['accounts']} accounts")


def seals(
    limit: Annotated[int, typer.Option(help="Most rows.", min=1, max=200)] = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List seals, newest first."""
    page = client(tenant).get("/seals", limit=limit)
    if as_json:
        give_json(page)
    else:
        give_table(page["data"], ("no", "sealed_at", "accounts", "root", "created_by"))


def signing_keys(tenant: Tenant = None, as_json: AsJson = False) -> None:
    """List the public keys that seals and evidence packs are signed with."""
    found = client(tenant).get("/signing-keys")
    if as_json:
        give_json(found)
    else:
        give_table(found["data"], ("public_key", "fingerprint", "created_at"))
