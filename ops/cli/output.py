"""How the command line speaks: data to stdout, everything else to stderr, colour only if wanted."""

from __future__ import annotations

import json

from rich.console import Console
from rich.text import Text


def say(text: str) -> None:
    """Progress, for a person."""
    _errors().print(Text(text), soft_wrap=True)


def complain(text: str) -> None:
    """An error, for a person."""
    _errors().print(Text.assemble(("error: ", "bold red"), text), soft_wrap=True)


def give(text: str) -> None:
    """Data, as plain text."""
    print(text)


def give_json(value: object) -> None:
    """Data, for a program."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _errors() -> Console:
    # Made anew each time: tests and redirections change the stream. Rich heeds NO_COLOR itself.
    return Console(stderr=True, highlight=False)
