"""The OpenAPI 3.1 document: generated from the routes, completed with what they share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import OpenAPI

from web.api.imports import AnalyzeIn, ImportIn

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Any text of your own; the same key and body replay the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag that was read.",
    "schema": {"type": "string", "pattern": r'^"[0-9]{1,9}(--?[0-9]{1,16}(\.[0-9]{1,4})?)?"$'},
}
_FILE = {
    "type": "string",
    "contentMediaType": "application/octet-stream",
    "format": "binary",
    "description": "The file.",
}
_TABLES = {
    "text/csv": {"schema": {"type": "string"}},
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
        "schema": {"type": "string", "format": "binary"}
    },
}
# POSTs that neither create nor move anything.
_WITHOUT_KEY = {
    "/api/v1/budgets/check",
    "/api/v1/imports/analyze",
    "/api/v1/budgets/{budget_id}/reconcile",
}


def _refs(schema: Any, components: dict[str, Any]) -> Any:
    """Move a model's `$defs` to the document's components."""
    for name, definition in schema.pop("$defs", {}).items():
        components[name] = _refs(definition, components)
    return _pointed(schema)


def _pointed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: item.replace("#/$defs/", "#/components/schemas/")
            if key == "$ref"
            else _pointed(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_pointed(item) for item in value]
    return value


def _file_body(model: Any, components: dict[str, Any]) -> dict[str, Any]:
    schema = _refs(model.model_json_schema(), components)
    form = dict(schema, properties={"file": _FILE, **schema["properties"]}, required=["file"])
    form["properties"].pop("file_id", None)
    named = dict(schema, required=["file_id"])
    return {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/json": {"schema": named},
        },
    }


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add what the generator cannot know: shared headers, file bodies, problem+json."""
    components = document["components"]["schemas"]
    bodies = {"/api/v1/imports/analyze": AnalyzeIn, "/api/v1/imports": ImportIn}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/api/v1/"):
                continue
            parameters = operation.setdefault("parameters", [])
            if method == "post" and path not in _WITHOUT_KEY:
                parameters.append(_IDEMPOTENCY_KEY)
            if method == "patch":
                parameters.append(_IF_MATCH)
            if method == "post" and path in bodies:
                operation["requestBody"] = _file_body(bodies[path], components)
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if int(status) >= 400 and "application/json" in content:
                    response["content"] = {"application/problem+json": content["application/json"]}
            operation.setdefault("security", [{"key": []}])
            if any(parameter["name"] == "format" for parameter in parameters):
                operation["responses"]["200"]["content"] |= _TABLES
    rejected = document["paths"]["/api/v1/imports/{import_id}/rejected"]["get"]["responses"]
    rejected["200"]["content"] = _TABLES
    return document


def install(app: OpenAPI) -> None:
    """Serve the document at /api/openapi.json."""

    @lru_cache(maxsize=1)
    def document() -> dict[str, Any]:
        made: dict[str, Any] = app.api_doc
        return complete(made)

    @app.route("/api/openapi.json")
    def openapi_json() -> Response:
        return jsonify(document())

    app.extensions["bursar_openapi"] = document
