"""The command line `bursar`: one module for each group of commands.

Data goes to stdout, progress and errors to stderr. Exit codes: 0 done, 1 error, 2 usage,
3 finished with rejected rows, 4 an invariant is broken.
"""

from __future__ import annotations

import sys

import typer

from bursar.errors import BursarError
from ops.cli import control, database, demo, doctor, imports, proof, stack, tenants
from ops.cli.output import complain

app = typer.Typer(
    name="bursar",
    help="Budget control that runs unattended.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
stack.register(app)
doctor.register(app)
database.register(app)
demo.register(app)
tenants.register(app)
imports.register(app)
control.register(app)
proof.register(app)


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 1."""
    try:
        app()
    except BursarError as error:
        complain(error.detail)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)  # The reader of our output has gone, as `head` does.
