"""The documentation is complete: what the code has, the pages name. Needs no database."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from typing import Any

import typer
from flask import Flask

import ops
from bursar.config import Settings
from bursar.errors import all_errors
from bursar.importing.values.codes import CellCode
from bursar.jobs.rows import QUEUE_OF_KIND
from bursar.schedules import HOUSEKEEPING
from ops.cli import command_line
from schema.tables import Base
from tests.guards.reading import PACKAGES, ROOT, commands, page, rows, unquoted
from web.auth import PERMISSIONS
from web.problems import HTTP_CODES, status_of

# Statuses that every route of the API may answer, said once for all of them.
COMMON = {"401", "403", "422", "429", "503"}


# Settings -----------------------------------------------------------------------------------------


def settings_missing(text: str, model: type[Settings] = Settings) -> list[str]:
    found = {unquoted(row[0]): row[1:] for row in rows(text) if len(row) == 3}
    missing = []
    for name, field in model.model_fields.items():
        default: Any = field.default
        default = getattr(default, "get_secret_value", lambda default=default: default)()
        shown = "empty" if default in ("", None) else f"`{default}`"
        if found.get(f"BURSAR_{name.upper()}") != [shown, field.description]:
            missing.append(name)
    return missing


def test_every_setting_is_described_with_its_default_and_its_words() -> None:
    assert settings_missing(page("reference/settings.md")) == []


def test_a_new_setting_would_be_missed() -> None:
    class More(Settings):
        colour: str = "blue"

    assert settings_missing(page("reference/settings.md"), More) == ["colour"]


def variables_in_code() -> set[str]:
    named = re.compile(r"\bBURSAR_[A-Z][A-Z_]*[A-Z]\b")
    files = [
        path
        for top in (*PACKAGES, "Makefile", "Dockerfile", "docker-compose.yml")
        for path in (ROOT / top, *(ROOT / top).rglob("*"))
        if path.is_file() and path.suffix in {".py", ".sh", ".yml", ""}
    ]
    return {name for path in files for name in named.findall(path.read_text(encoding="utf-8"))}


def test_every_variable_that_the_code_reads_is_described() -> None:
    text = page("reference/settings.md")
    assert {name for name in variables_in_code() if f"`{name}`" not in text} == set()


# Routes -------------------------------------------------------------------------------------------


def routes(app: Flask) -> dict[tuple[str, str], tuple[str, set[str] | None]]:
    """Method and path of each route to its permission and, in the API, its statuses."""
    described = app.extensions["bursar_openapi"]()["paths"]
    found = {}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        permission = getattr(app.view_functions[rule.endpoint], "__permission__", "open")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = described.get(path, {}).get(method.lower())
            statuses = set(operation["responses"]) - COMMON if operation else None
            found[method, path] = (permission, statuses)
    return found


def routes_missing(app: Flask, text: str) -> list[str]:
    told = {
        (unquoted(row[0]), unquoted(row[1])): (row[2], set(re.findall(r"\d{3}", row[3] + row[4])))
        for row in rows(text)
        if len(row) == 6
    }
    wrong = []
    for route, (permission, statuses) in routes(app).items():
        said = told.get(route)
        if said is None or said[0] != permission or (statuses and said[1] != statuses):
            wrong.append(" ".join(route))
    return wrong


def test_every_route_is_described_with_its_permission_and_answers(web: Flask) -> None:
    assert routes_missing(web, page("reference/http-api.md")) == []


def test_no_route_is_described_that_does_not_exist(web: Flask) -> None:
    table = [row for row in rows(page("reference/http-api.md")) if len(row) == 6]
    told = {(unquoted(row[0]), unquoted(row[1])) for row in table}
    assert told - set(routes(web)) - {("method", "path")} == set()


def test_a_route_with_another_permission_would_be_missed(web: Flask) -> None:
    route = "| `POST` | `/api/v1/budgets` |"
    text = page("reference/http-api.md").replace(f"{route} edit |", f"{route} read |")
    assert routes_missing(web, text) == ["POST /api/v1/budgets"]


def test_every_role_is_described_with_exactly_its_permissions() -> None:
    table = rows(page("reference/roles.md"))
    head = next(row for row in table if row[0] == "role")
    told = {
        unquoted(row[0]): {name for name, cell in zip(head, row, strict=True) if cell == "yes"}
        for row in table
        if len(row) == len(head) and row is not head
    }
    assert told == {role: set(allowed) for role, allowed in PERMISSIONS.items()}


# Commands -----------------------------------------------------------------------------------------


def commands_missing(command: Any, text: str) -> list[str]:
    parts = re.split(r"^### `([^`]+)`$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    missing = []
    for path, options in commands(command):
        section = sections.get(path)
        if section is None:
            missing.append(path)
        else:
            missing += [
                f"{path} {option}" for option in sorted(options) if f"`{option}`" not in section
            ]
    return missing  # fmt: skip


def test_every_command_is_described_with_its_options() -> None:
    found = typer.main.get_command(command_line())
    assert commands_missing(found, page("reference/command-line.md")) == []


def test_a_new_command_and_a_new_option_would_be_missed() -> None:
    other = typer.Typer(add_completion=False)

    @other.command()
    def status(colour: str = "") -> None: ...

    @other.command()
    def sing() -> None: ...

    text = page("reference/command-line.md")
    assert commands_missing(typer.main.get_command(other), text) == [
        "bursar status --colour", "bursar sing",
    ]  # fmt: skip


# Errors, schedules, tables ------------------------------------------------------------------------


def load_everything() -> None:
    """Errors are classes anywhere in our packages; a class that is not imported is not found."""
    for module in pkgutil.walk_packages(ops.__path__, "ops."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_every_error_is_described_with_its_status_and_its_words() -> None:
    load_everything()
    told = {tuple(row) for row in rows(page("reference/errors.md"))}
    ours = [cls for cls in all_errors() if cls.__module__.split(".")[0] in PACKAGES]
    wrong = [
        cls.code for cls in ours
        if (f"`{cls.code}`", str(status_of(cls())), cls.title()) not in told
    ]  # fmt: skip
    assert wrong == []


def test_every_code_of_http_and_of_a_place_is_described() -> None:
    told = {unquoted(row[0]) for row in rows(page("reference/errors.md"))}
    faults = {
        str(node.args[1].value)
        for top in PACKAGES
        for path in (ROOT / top).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Fault"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
    assert faults
    assert (set(HTTP_CODES.values()) | faults) - told == set()


def test_every_row_error_is_described_with_its_words() -> None:
    told = {(unquoted(row[0]), row[1]) for row in rows(page("reference/row-errors.md"))}
    assert {(code.value, code.meaning) for code in CellCode} - told == set()


def test_every_schedule_is_described() -> None:
    told = {unquoted(row[0]) for row in rows(page("reference/schedules.md"))}
    assert told - {"schedule"} == set(HOUSEKEEPING) | {"tick"}


def test_every_kind_of_job_is_described() -> None:
    text = page("explanation/jobs.md")
    assert [kind for kind in QUEUE_OF_KIND if f"`{kind}`" not in text] == []


def test_every_table_and_function_of_the_database_is_described() -> None:
    text = page("reference/database.md")
    scripts = "\n".join(path.read_text() for path in (ROOT / "schema").rglob("*.sql"))
    functions = re.findall(r"create (?:or replace )?function (\w+)", scripts)
    roles = re.findall(r"CREATE ROLE (\w+)", scripts)
    assert functions
    assert roles
    names = {*Base.metadata.tables, *functions, *roles}
    assert {name for name in names if f"`{name}`" not in text} == set()
