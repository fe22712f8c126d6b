"""Reading the pages, and what of the code the guards compare them with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGES = ("bursar", "connectors", "ops", "schema", "tasks", "web", "worker")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows of a page, as plain text."""
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|") and not set(line) <= set("|-: ")
    ]


def unquoted(cell: str) -> str:
    return cell.strip("`")


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


def commands(command: Any, path: str = "bursar") -> Iterator[tuple[str, set[str]]]:
    """Every command and the long options that it takes."""
    options = {
        name for p in command.params if p.param_type_name == "option"
        for name in p.opts if name.startswith("--") and name != "--help"
    }  # fmt: skip
    children = getattr(command, "commands", {})
    if options or not children:
        yield path, options
    for name, child in children.items():
        yield from commands(child, f"{path} {name}")
