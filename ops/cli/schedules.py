"""`bursar schedules`: the housekeeping of the installation, for its operator on its own machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bursar import schedules as rules
from bursar.sources import pausing
from ops.cli.client import local_database
from ops.cli.output import give_json, say
from ops.cli.tables import give_table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Named = Annotated[str, typer.Argument(help="Which one, as `list` names it.", metavar="NAME")]

schedules = typer.Typer(no_args_is_help=True, help="What the clock starts, for all tenants.")


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(schedules, name="schedules")


@schedules.callback()
def group() -> None:
    """Keep the sub-command's name even where there is only one."""


@schedules.command("list")
def list_schedules(as_json: AsJson = False) -> None:
    """List the housekeeping: how often, when next, and what is paused."""
    database = local_database()
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "every_seconds": one.every_seconds,
            "next_due_at": one.next_due_at.isoformat(),
            "paused": one.paused,
            "paused_at": one.paused_at.isoformat() if one.paused_at else None,
        }
        for one in rules.all_schedules(database)
    ]
    database.close()
    if as_json:
        give_json({"data": rows})
    else:
        give_table(rows, ("name", "every_seconds", "next_due_at", "paused", "paused_at"))


@schedules.command("pause")
def pause(name: Named) -> None:
    """Start this no more, for all tenants, until `resume`. `start_sources`: no source by itself."""
    database = local_database()
    rules.pause(database, name)
    database.close()
    say(f"{name} is paused until `bursar schedules resume {name}`")


@schedules.command("resume")
def resume(name: Named) -> None:
    """Start this again: once for all that was missed, without alarms for files that were late."""
    database = local_database()
    pausing.resume_schedule(database, name)
    database.close()
    say(f"{name} goes on")
