"""The command line `bursar`: one module for each group of commands.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 done, 1 error, 2 usage,
3 finished with rejected rows, 4 an invariant is broken.
"""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from bursar.errors import BursarError
from ops.cli.output import complain

_GROUPS = (
    "stack",
    "doctor",
    "database",
    "demo",
    "tenants",
    "keys",
    "members",
    "imports",
    "import_steps",
    "samples",
    "control",
    "spending",
    "periods",
    "transfers",
    "reports",
    "audits",
    "sources",
    "schedules",
    "proof",
)
# Reading a file needs neither database nor web: those take longer to load than the file to read.
_ALONE = {"analyze": ("imports",), "import": ("imports",)}


def command_line(command: str | None = None) -> typer.Typer:
    """All commands; with the name of one, at least that one, loaded as fast as can be."""
    app = typer.Typer(
        name="bursar",
        help="Budget control that runs unattended.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for group in _ALONE.get(command or "", _GROUPS):
        import_module(f"ops.cli.{group}").register(app)
    return app


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 1."""
    try:
        command_line(sys.argv[1] if len(sys.argv) > 1 else None)()
    except BursarError as error:
        complain(error.detail)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)  # The reader of our output has gone, as `head` does.
