"""The API, drawn from its own OpenAPI document, for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template
from werkzeug.exceptions import NotFound

from bursar.errors import all_errors
from web.problems import HTTP_CODES, STATUS, status_of

blueprint = Blueprint("docs", __name__)
_METHODS = ("get", "post", "put", "patch", "delete")


@blueprint.get("/api/docs")
def show() -> Any:
    """The basics, every route in a line, and every error code."""
    groups, version = _groups()
    return render_template("docs.html", groups=groups, errors=_errors(), version=version)


@blueprint.get("/api/docs/<section>")
def part(section: str) -> Any:
    """The routes of one section: what they take and what they answer."""
    groups, version = _groups()
    found = next((name for name in groups if slug(name) == section), None)
    if found is None:
        raise NotFound
    return render_template("docs_section.html", group=found, routes=groups[found], version=version)


@blueprint.app_template_filter("slug")
def slug(name: str) -> str:
    """The name of a section as an address has it."""
    return name.lower().replace(" ", "-")


def _groups() -> tuple[dict[str, list[dict[str, Any]]], str]:
    """The routes by section, in the order of the API's description, and its version."""
    document = current_app.extensions["bursar_openapi"]()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                route = _route(document, path, method, operations[method])
                groups.setdefault(route["group"], []).append(route)
    return groups, str(document["info"]["version"])


def _route(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {})
    return {
        "group": (operation.get("tags") or ["Other"])[0],
        "id": f"{method}-{path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}",
        "method": method.upper(),
        "path": path,
        "summary": operation.get("summary", ""),
        "description": operation.get("description", ""),
        "parameters": [_parameter(one) for one in operation.get("parameters", [])],
        "bodies": [
            {"type": kind, "fields": _fields(document, content.get("schema", {}))}
            for kind, content in body.items()
        ],
        "answers": [
            {
                "status": status,
                "fields": _fields(document, _schema_of(answer)) if int(status) < 400 else [],
            }
            for status, answer in sorted(operation["responses"].items())
        ],
    }


def _schema_of(answer: dict[str, Any]) -> dict[str, Any]:
    content = answer.get("content", {}).get("application/json", {})
    found: dict[str, Any] = content.get("schema", {})
    return found


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "in": one["in"],
        "required": one.get("required", False),
        "type": _type(one.get("schema", {})),
        "description": one.get("description") or one.get("schema", {}).get("description") or "",
    }


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    required = set(schema.get("required", []))
    return [
        {
            "name": name,
            "type": _type(field),
            "required": name in required,
            "description": field.get("description", ""),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            kinds = dict.fromkeys(_type(one) for one in schema[choice])
            return " or ".join(kind for kind in kinds if kind != "null")
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = schema.get("format") or schema.get("type") or "any"
    return str(kind)


def _errors() -> list[dict[str, Any]]:
    ours = [
        {"code": cls.code, "status": status_of(cls()), "meaning": cls.title()}
        for cls in all_errors()
        if any(base in STATUS for base in cls.__mro__)
    ]
    known = {one["code"] for one in ours}
    plain = [
        {"code": code, "status": status, "meaning": "HTTP itself says so."}
        for status, code in HTTP_CODES.items()
        if code not in known
    ]
    return sorted([*ours, *plain], key=lambda one: str(one["code"]))
