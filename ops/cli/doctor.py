"""`bursar doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import typer

from bursar.config import Settings
from bursar.errors import BursarError
from ops.cli.output import give, give_json
from ops.cli.stack import AsJson
from ops.stack import checks


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to do where it is wrong."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


def register(app: typer.Typer) -> None:
    """Add the command of this group."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Look at everything that Bursar needs; exit code 1 when something is wrong."""
    findings = list(examine(Settings()))
    if as_json:
        give_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            give(f"{'ok   ' if finding.ok else 'wrong'}  {finding.name}: {finding.detail}")
            if not finding.ok:
                give(f"       do: {finding.advice}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in order; one that fails in its own way is a finding too."""
    checked: list[tuple[str, Callable[[Settings], str], str]] = [
        ("python", checks.python, "Install Python 3.11 or newer and run `make setup`."),
        ("home", checks.home, "Choose a folder of your own with BURSAR_HOME."),
        ("disk", checks.disk, "Free some space, or move BURSAR_HOME to a larger disk."),
        ("programs", checks.programs, "Run `make setup`, or set BURSAR_PG_BIN, BURSAR_VALKEY."),
        ("ports", checks.ports, "Choose other ports: BURSAR_PORT, BURSAR_FLOWER_PORT."),
        ("database", checks.database, "Start it with `bursar up`; see `bursar logs postgres`."),
        ("role", checks.role, "Use the role bursar_app as made by `bursar bootstrap`."),
        ("schema", checks.schema, "Run `bursar migrate`."),
        ("broker", checks.broker, "Start it with `bursar up`; see `bursar logs valkey`."),
    ]
    for name, check, advice in checked:
        try:
            yield Finding(name, True, check(settings))
        except (BursarError, OSError) as wrong:
            yield Finding(name, False, str(wrong), advice)
