"""`bursar analyze` and `bursar import`: files, without a server and through one."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.errors import InvalidInput, NotFound
from ops.cli.output import give, give_json, say

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
File = Annotated[Path, typer.Argument(help="The file.")]
Sheet = Annotated[str | None, typer.Option(help="The sheet of a workbook.")]
ENDED = {"completed", "completed_with_errors", "failed", "cancelled", "awaiting_mapping", "undone"}
JOB_ENDED = {"succeeded", "failed", "dead", "cancelled"}
EXIT_ERROR, EXIT_REJECTED = 1, 3


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(analyze)
    app.command("import")(import_file)


def analyze(
    file: File,
    sheet: Sheet = None,
    header_row: Annotated[int | None, typer.Option(help="Raw row, from 0.", min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """Recognise a file and propose what each column means. Needs no server."""
    from bursar.importing.recognising import analysis as importing

    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    found = importing.analyze(file, file.name, sheet=sheet, header_row=header_row).to_wire()
    found = {"file_id": None, **found, "template_id": None}
    if as_json:
        give_json(found)
        return
    detection: Any = found["detection"]
    give(f"{file.name}: {detection['kind']} (confidence {detection['confidence']:.2f})")
    place = found["header_row"]
    header = "no header" if place is None else f"header in row {place}"
    give(f"{header}, {found['total_rows']:,} rows, {found['layout']}")
    columns: Any = found["columns"]
    for column in columns:
        give(
            f"  {column['header'] or '(no name)':<30.30}  {column['target'] or '-':<17}"
            f"  {column['confidence']:.2f}  {column['reason']}"
        )
    constants: Any = found["constants"]
    for field, constant in constants.items():
        give(f"  {field} = {constant['value']} (from the {constant['origin']})")
    for warning in detection["warnings"]:
        say(f"note: {warning}")
    missing: Any = found["missing_required"]
    if missing:
        say(f"missing: {', '.join(missing)} (give them with --map or --default)")


def import_file(
    file: File,
    sheet: Sheet = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="HEADER=TARGET; empty TARGET leaves it out.")
    ] = None,
    default: Annotated[list[str] | None, typer.Option(help="FIELD=VALUE for every row.")] = None,
    mode: Annotated[str, typer.Option(help="all_or_nothing or skip_errors.")] = "all_or_nothing",
    decimal_mark: Annotated[
        list[str] | None, typer.Option(help="HEADER=. or HEADER=, for a column of 1.000s.")
    ] = None,
    date_order: Annotated[str | None, typer.Option(help="day_first or month_first.")] = None,
    unit: Annotated[int | None, typer.Option(help="1, 1000, 1000000: what amounts count.")] = None,
    column_unit: Annotated[
        list[str] | None, typer.Option(help="HEADER=1000 for the unit of a column of its own.")
    ] = None,
    parents: Annotated[
        str | None, typer.Option(help="leave_out or load: rows that sum up rows below them.")
    ] = None,
    continues: Annotated[
        str | None, typer.Option("--continue", help="Id of the import whose rows were mended.")
    ] = None,
    force_kind: Annotated[bool, typer.Option(help="Even if it looks like no budget.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Plan only; load nothing.")] = False,
    wait: Annotated[bool, typer.Option(help="Follow the import to its end.")] = True,
    tenant: Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import a file through the running stack. Exit code 3: rows were rejected."""
    from ops.cli.client import client

    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    form = {"mode": mode, "apply": "false" if dry_run else "true"}
    form |= _form(sheet, mapped, default, decimal_mark, date_order, unit)
    form |= _counted(column_unit, parents)
    if force_kind:
        form["force_kind"] = "true"
    api = client(tenant)
    with file.open("rb") as handle:
        sent = {"file": (file.name, handle)}
        if continues is None:
            started = api.post("/imports", data=form, files=sent)
        else:
            started = api.post(f"/imports/{continues}/rejected", files=sent)
    if not wait:
        give_json(started) if as_json else give(started["id"])
        return
    run = follow(api, started, dry_run=dry_run)
    if as_json:
        give_json(run)
    else:
        tell(api, run)
    if run["state"] in {"failed", "cancelled", "awaiting_mapping"}:
        sys.exit(EXIT_REJECTED if _code(run) == "rows_rejected" else EXIT_ERROR)
    if run["counts"]["rejected"]:
        sys.exit(EXIT_REJECTED)


def _form(
    sheet: str | None,
    mapped: list[str] | None,
    default: list[str] | None,
    decimal_mark: list[str] | None,
    date_order: str | None,
    unit: int | None,
) -> dict[str, str]:
    """What was asked for, as form fields; objects are JSON text."""
    given = {
        "sheet": sheet,
        "mapping": json.dumps({k: v or None for k, v in map(_pair, mapped)}) if mapped else None,
        "defaults": json.dumps(dict(map(_pair, default))) if default else None,
        "decimal_marks": json.dumps(dict(map(_pair, decimal_mark))) if decimal_mark else None,
        "date_order": date_order,
        "unit": str(unit) if unit else None,
    }
    return {name: value for name, value in given.items() if value}


def _counted(column_unit: list[str] | None, parents: str | None) -> dict[str, str]:
    """The units of columns and what is done with parents, as form fields."""
    found = {"parents": parents} if parents else {}
    if column_unit:
        units = {header: _whole(unit) for header, unit in map(_pair, column_unit)}
        found["units"] = json.dumps(units)
    return found


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise InvalidInput(f"{text!r} is no unit such as 1000.")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name:
        raise InvalidInput(f"Write {text!r} as NAME=VALUE.")
    return name, value


def _code(run: dict[str, Any]) -> str:
    return str((run["error"] or {}).get("code", ""))


def follow(
    api: Any, started: dict[str, Any], *, dry_run: bool = False, until_job: bool = False
) -> dict[str, Any]:
    """Follow an import to where it ends or waits for somebody; with `until_job` as long as its job
    runs, whatever the state before.
    """
    ended = ENDED | ({"planned"} if dry_run else set())
    shown = ""
    while True:
        job = api.get(f"/jobs/{started['job_id']}")
        run: dict[str, Any] = api.get(f"/imports/{started['id']}")
        over = job["state"] in JOB_ENDED
        if over if until_job else run["state"] in ended:
            return run
        progress = job["progress"]
        line = f"{run['state']}: {progress['stage'] or job['state']} {progress['done']:,} rows"
        if line != shown:
            say(line)
            shown = line
        time.sleep(0.2)


def tell(api: Any, run: dict[str, Any]) -> None:
    """Say what came of an import."""
    counts, amounts = run["counts"], run["amounts"]
    give(f"{run['file_name']}: {run['state']}")
    give(
        f"  {counts['total']:,} rows: {counts['created']:,} created, {counts['updated']:,} updated,"
        f" {counts['unchanged']:,} unchanged, {counts['rejected']:,} rejected"
    )
    for currency, sums in amounts["by_currency"].items():
        give(f"  {currency}: {sums['before']} before, {sums['after']} after")
    for warning in run["warnings"]:
        say(f"note: {warning}")
    below = (run["consequences"] or {}).get("below_used") or {"budgets": []}
    for short in below["budgets"]:
        name = " / ".join(filter(None, (short["department"], short["sub_category"])))
        say(
            f"  {name} {short['fiscal_period']}: {short['after']} {short['currency']} would be"
            f" {short['short']} less than what is used"
        )
    if run["state"] == "planned":
        say(f"  apply it: bursar imports apply {run['id']}")
    if run["error"]:
        say(f"{run['error']['code']}: {run['error']['detail']}")
    if counts["rejected"]:
        for fault in api.get(f"/imports/{run['id']}/errors", limit=5)["data"]:
            say(f"  row {fault['row']}, {fault['column']}: {fault['value']!r} {fault['detail']}")
        say(f"  all of them: bursar imports rejected {run['id']}")
