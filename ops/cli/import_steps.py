"""`bursar imports`: what became of imports, applying and undoing one, fetching what it rejected."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.cli.client import client, find_tenant, local_database
from ops.cli.imports import EXIT_ERROR, EXIT_REJECTED, follow, tell
from ops.cli.output import give, give_json, say

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tenant = Annotated[str | None, typer.Option(help="Id, slug or name of the tenant.")]
ImportId = Annotated[str, typer.Argument(help="Id of the import.")]

imports = typer.Typer(no_args_is_help=True, help="Imports that were made or planned.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(imports, name="imports")


@imports.command("list")
def list_imports(
    limit: Annotated[int, typer.Option(help="Most rows.", min=1, max=200)] = 20,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List imports, newest first."""
    page = client(tenant).get("/imports", limit=limit)
    if as_json:
        give_json(page)
        return
    for run in page["data"]:
        counts = run["counts"]
        give(
            f"{run['id']}  {run['created_at']}  {run['state']:<21}  {run['file_name']}"
            f"  {counts['created']:,} created, {counts['updated']:,} updated,"
            f" {counts['unchanged']:,} unchanged, {counts['rejected']:,} rejected"
        )


@imports.command("apply")
def apply(
    import_id: ImportId,
    allow_below_used: Annotated[
        bool, typer.Option(help="Even if budgets fall below what is used on them.")
    ] = False,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Apply a planned import, exactly as planned. Exit code 3: rows were rejected."""
    api = client(tenant)
    allowed = "?allow_below_used=true" if allow_below_used else ""
    _finish(api, api.post(f"/imports/{import_id}/apply{allowed}"), as_json=as_json)


@imports.command("undo")
def undo(
    import_id: ImportId,
    dry_run: Annotated[bool, typer.Option(help="Only say what would happen.")] = False,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Take an import back; what was built on it since is kept and named."""
    api = client(tenant)
    found: dict[str, Any] = api.get(f"/imports/{import_id}/undo")
    if not dry_run:
        run = follow(api, api.post(f"/imports/{import_id}/undo"), until_job=True)
        if run["state"] != "undone":
            say(f"{run['error']['code']}: {run['error']['detail']}")
            sys.exit(EXIT_ERROR)
        found = run["undo"]
    if as_json:
        give_json(found)
        return
    give(f"{found['reverted']:,} budgets go back, {found['kept']:,} stay")
    for kept in found["kept_budgets"]:
        name = " / ".join(filter(None, (kept["department"], kept["sub_category"])))
        give(f"  {name} {kept['fiscal_period']}: {kept['detail']}")


@imports.command("rejected")
def rejected(
    import_id: ImportId,
    to: Annotated[
        Path | None, typer.Option(help="File to write; by default as it is named.")
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Fetch the rejected rows as a file, to mend and send back with `import --continue`."""
    name, content = client(tenant).download(f"/imports/{import_id}/rejected")
    target = to or Path(name)
    target.write_bytes(content)
    give(str(target))


@imports.command("replay")
def replay(
    last: Annotated[int, typer.Option(help="How many files.", min=1, max=500)] = 12,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Read the last imported files as this version reads them. Exit code 3: rows differ."""
    from bursar.importing.rereading import reread_last

    database = local_database()
    with database.transaction(find_tenant(database, tenant), "shell") as session:
        found = reread_last(session, last)
    database.close()
    if as_json:
        give_json(found)
    else:
        give(
            f"{found['files']} files read again, {found['changed_files']} of them otherwise,"
            f" {found['changed_rows']:,} rows"
        )
        for change in found["changes"]:
            words = change["detail"] or f"{change['changed_rows']:,} rows"
            give(f"{change['file_name']}: {words}")
            for row in change["examples"]:
                give(f"  row {row['row']}: {row['before']} -> {row['after']}")
    if found["changed_rows"]:
        raise typer.Exit(EXIT_REJECTED)


def _finish(api: Any, started: dict[str, Any], *, as_json: bool) -> None:
    run = follow(api, started, until_job=True)
    if as_json:
        give_json(run)
    else:
        tell(api, run)
    if run["state"] not in {"completed", "completed_with_errors"}:
        sys.exit(EXIT_ERROR)
    if run["counts"]["rejected"]:
        sys.exit(EXIT_REJECTED)
