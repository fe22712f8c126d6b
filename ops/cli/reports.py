"""Reports from a shell: as a table, as JSON, or as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.cli.client import client
from ops.cli.output import give, give_json, say
from ops.cli.tables import give_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
Range = Annotated[
    str | None,
    typer.Option(
        "--range", help="today, week, month, quarter, year, fiscal_quarter or fiscal_year."
    ),
]
First = Annotated[str | None, typer.Option("--from", help="The first day, such as 2026-01-31.")]
Last = Annotated[str | None, typer.Option("--to", help="The last day; it belongs to the report.")]
AsOf = Annotated[str | None, typer.Option(help="The present of the report, a day or a moment.")]
KnownAt = Annotated[str | None, typer.Option(help="Leave out what was recorded after this.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write a file: .csv, .xlsx or .json.")
]
KINDS = ("csv", "xlsx", "json")

report = typer.Typer(no_args_is_help=True, help="What budgets had and used over a span of days.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(report, name="report")


@report.command("budget")
def of_budget(
    budget_id: Annotated[str, typer.Argument(help="Id of the budget.")],
    range_name: Range = None,
    first: First = None,
    last: Last = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    output: Output = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """What one budget had and used, by kind of entry."""
    asked = {
        "range": range_name, "from": first, "to": last, "as_of": as_of, "known_at": known_at,
    }  # fmt: skip
    path = f"/budgets/{budget_id}/report"
    if output is not None:
        write_file(path, output, tenant, asked)
        return
    found = client(tenant).get(path, **asked)
    if as_json:
        give_json(found)
        return
    _tell_span(found["range"])
    moments = [{"": name, **found[name]} for name in ("opening", "closing")]
    give_table(moments, tuple(moments[0]))
    give("")
    kinds = [{"kind": kind, **moved} for kind, moved in found["by_kind"].items()]
    give_table(kinds, ("kind", "entries", "amount", "delta_budgeted", "delta_used"))


@report.command("tenant")
def of_tenant(
    range_name: Range = None,
    first: First = None,
    last: Last = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    output: Output = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """What all budgets had and used, with sums by currency."""
    asked = {
        "range": range_name, "from": first, "to": last, "as_of": as_of, "known_at": known_at,
    }  # fmt: skip
    if output is not None:
        write_file("/reports/tenant", output, tenant, asked)
        return
    if as_json:
        client(tenant).copy("/reports/tenant", sys.stdout.buffer, **asked)
        return
    found = client(tenant).get("/reports/tenant", **asked)
    _tell_span(found["range"])
    columns = ("name", "fiscal_period", "currency", "budgeted_amount", "reserved", "committed",
               "spent", "available", "utilization_percent", "entries")  # fmt: skip
    lines = [{**one, **one["closing"]} for one in found["data"]]
    sums = [{**one, **one["closing"], "name": "total", "fiscal_period": None}
            for one in found["totals"]]  # fmt: skip
    give_table(lines + sums, columns)


@report.command("decisions")
def of_decisions(
    range_name: Range = None,
    first: First = None,
    last: Last = None,
    import_id: Annotated[
        str | None, typer.Option("--import", help="Only this import, as if it had come in time.")
    ] = None,
    effective_on: Annotated[
        str | None, typer.Option(help="The day from which the import is to count.")
    ] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Checks that would be answered otherwise with what is known now."""
    asked = {
        "range": range_name, "from": first, "to": last, "import_id": import_id,
        "effective_on": effective_on,
    }  # fmt: skip
    found = client(tenant).get("/reports/decisions", **asked)
    if as_json:
        give_json(found)
        return
    _tell_span(found["range"])
    columns = ("decided_at", "amount", "currency", "decision", "available", "decision_now",
               "available_now", "late_entries", "decision_id")  # fmt: skip
    give_table(found["data"], columns)


def _tell_span(span: dict[str, Any]) -> None:
    say(f"from {span['from']} to {span['to']} ({span['starts_at']} to {span['ends_at']})")


def write_file(path: str, output: Path, tenant: str | None, asked: dict[str, Any]) -> None:
    """Write a report to a file of the kind that its name says."""
    kind = output.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise typer.BadParameter(f"name a file that ends in {', '.join(KINDS)}")
    caller = client(tenant)
    partial = output.with_name(output.name + ".part")  # what is not whole never has the name
    try:
        with partial.open("wb") as file:
            caller.copy(path, file, **asked, format=kind)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    say(f"wrote {output}")
