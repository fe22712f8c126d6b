"""Errors to HTTP: one table from family to status, one shape (RFC 9457)."""

from __future__ import annotations

import math
import time
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, make_response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from bursar import errors
from bursar.database import is_passing

log = structlog.get_logger("bursar.web")

# The nearest ancestor in this table decides.
STATUS: dict[type[errors.BursarError], int] = {
    errors.InvalidInput: 422,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Forbidden: 403,
    errors.Unauthenticated: 401,
    errors.TooLarge: 413,
    errors.Transient: 503,
    errors.IdempotencyKeyRequired: 400,
    errors.VersionRequired: 428,
    errors.VersionStale: 412,
    errors.BursarError: 500,
}

# Codes that HTTP itself brings, without an error class of ours.
HTTP_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
# What HTTP would say at length.
HTTP_DETAILS = {404: "There is nothing at this address."}


def status_of(error: errors.BursarError) -> int:
    """The HTTP status of an error."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    faults: list[dict[str, str]] | None = None,
    **extra: object,
) -> Response:
    """An answer of type application/problem+json."""
    body: dict[str, object] = {
        "type": f"{request.url_root}api/docs#error-{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id", ""),
        "errors": faults or [],
        **extra,
    }
    if not request.path.startswith("/api/v1/") and request.path.startswith("/api/"):
        body |= {"success": False, "error": detail}  # as the documents' own routes say it
    response = make_response(jsonify(body), status)
    response.content_type = "application/problem+json"
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="bursar"'
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


def problem_of(error: errors.BursarError) -> Response:
    """The answer to an error of ours."""
    faults = [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in error.faults]
    return problem(
        status_of(error), error.code, type(error).title(), error.detail, faults, **error.extra
    )


def invalid_request(error: ValidationError) -> Response:
    """The answer to a body, path or query that does not fit its model."""
    faults = [
        {
            "pointer": "/" + "/".join(str(part) for part in fault["loc"]),
            "code": fault["type"],
            "detail": fault["msg"],
        }
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    # An id that is no id names nothing: the answer is the same as for one that does not exist.
    in_path = set(request.view_args or {})
    if any(fault["pointer"].strip("/") in in_path for fault in faults):
        return problem_of(errors.NotFound())
    if request.method in {"POST", "PATCH", "PUT"} and request.mimetype not in {
        "application/json",
        "multipart/form-data",
    }:
        return problem(
            415, "unsupported_media_type", "The content type is not supported.",
            "Send application/json.",
        )  # fmt: skip
    return problem(
        422, "invalid_input", errors.InvalidInput.title(), "Some fields are not right.", faults
    )


def install(app: Flask) -> None:
    """Answer every error, foreseen or not, in this shape; pages answer with a page."""

    @app.errorhandler(errors.BursarError)
    def ours(error: errors.BursarError) -> Any:
        if status_of(error) >= 500:
            log.warning("request failed", code=error.code, detail=error.detail)
        return _shaped(problem_of(error), error.detail)

    @app.errorhandler(ValidationError)
    def invalid(error: ValidationError) -> Any:
        return invalid_request(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        if error.response is not None:
            return error.response
        status = error.code or 500
        code = HTTP_CODES.get(status, "http_error")
        detail = HTTP_DETAILS.get(status, error.description or error.name)
        answer = problem(status, code, error.name, detail)
        if status == 429:
            answer.headers["Retry-After"] = str(_seconds_to_wait())
        for name in ("Retry-After", "Allow"):
            if name in error.get_response().headers:
                answer.headers[name] = error.get_response().headers[name]
        return _shaped(answer, detail)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Any:
        if is_passing(error):
            log.warning("database unavailable", error=type(error).__name__)
            return _shaped(problem_of(errors.Transient()), errors.Transient.title())
        log.error("unforeseen error", exc_info=error)
        detail = f"Something went wrong on our side. The log has it under {g.get('request_id')}."
        return _shaped(problem(500, "error", "Internal error", detail), detail)


def _seconds_to_wait() -> int:
    """Until the limit that was passed counts anew."""
    passed = current_app.extensions["bursar_limiter"].current_limit
    return max(1, math.ceil(passed.reset_at - time.time())) if passed else 1


def _shaped(answer: Response, detail: str) -> Response:
    """The problem itself for machines, a page that says the same for people."""
    if request.path.startswith(("/api/", "/v1/", "/healthz", "/readyz", "/metrics")):
        return answer
    # Flower is looked at by people, and asked by its own tables and by programs.
    kinds = ("application/problem+json", "text/html")
    if (
        request.path.startswith("/flower")
        and request.accept_mimetypes.best_match(kinds) != kinds[1]
    ):
        return answer
    page: Response = current_app.extensions["bursar_error_page"](answer, detail)
    return page
