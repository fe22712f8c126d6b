"""The web application, put together."""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from typing import Any

import structlog
from flask import Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_openapi3 import Info, OpenAPI
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from bursar import __version__, metrics
from bursar.config import Settings, settings
from bursar.errors import InvalidInput, Misconfigured
from web import auth, compat, openapi, pages, problems, transfer
from web.api import (
    alerts,
    approvals,
    audit,
    budgets,
    checks,
    control,
    forecasts,
    funds,
    health,
    import_steps,
    imports,
    jobs,
    keys,
    keywords,
    ledger,
    mapping_templates,
    me,
    members,
    periods,
    proof,
    recurrence,
    replays,
    reports,
    reservation_batches,
    reservations,
    samples,
    sources,
    transfers,
    trapped,
    webhooks,
)
from web.json import ExactJSON

log = structlog.get_logger("bursar.web")
_UNCOUNTED = ("/healthz", "/readyz", "/static/")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_API = (
    budgets,
    control,
    recurrence,
    periods,
    checks,
    approvals,
    ledger,
    transfers,
    funds,
    proof,
    reservations,
    reservation_batches,
    replays,
    reports,
    audit,
    forecasts,
    trapped,
    imports,
    import_steps,
    mapping_templates,
    keywords,
    samples,
    sources,
    webhooks,
    jobs,
    alerts,
    members,
    keys,
    me,
)
# What a browser may load and do: everything from here, nothing inline, nothing framed.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def create_app() -> OpenAPI:
    """Build the application from the settings. Raises Misconfigured."""
    chosen = settings()
    app = OpenAPI(
        "web",
        info=Info(title="Bursar", version=__version__, description="Budget control."),
        security_schemes={"key": {"type": "http", "scheme": "bearer"}},
        validation_error_callback=problems.invalid_request,
        doc_ui=False,
        static_folder="pages/static",
        static_url_path="/static",
        template_folder="pages/templates",
    )
    app.json = ExactJSON(app)
    _configure(app, chosen)
    problems.install(app)
    # In this order: a request has an id before anything can refuse it, and is counted before its
    # key is looked up.
    app.before_request(_begin)
    _limit(app, chosen)
    app.before_request(_recognise)
    for module in _API:
        app.register_api(module.api)
    app.register_blueprint(health.api)
    openapi.install(app)
    pages.install(app)
    _slow_topups(app, chosen)
    app.after_request(_finish)
    return app


def _configure(app: OpenAPI, chosen: Settings) -> None:
    secret = chosen.secret_key.get_secret_value()
    production = chosen.environment == "production"
    if len(secret) < 32:
        if production:
            raise Misconfigured(
                "BURSAR_SECRET_KEY is missing or shorter than 32 characters. Make one with"
                " `python -c 'import secrets; print(secrets.token_urlsafe(48))'`."
            )
        secret = secret or uuid.uuid4().hex * 2
    app.config.update(
        SECRET_KEY=secret,
        # A multipart body is a little larger than the file in it.
        MAX_CONTENT_LENGTH=chosen.upload_limit_bytes + transfer.ENVELOPE_BYTES,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="bursar",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=production,
        PERMANENT_SESSION_LIFETIME=12 * 3600,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_HEADERS_ENABLED=False,
    )
    if chosen.trusted_proxies:
        count = chosen.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    csrf = CSRFProtect(app)
    for module in _API:
        csrf.exempt(module.api)  # keys, not cookies: nothing a browser sends by itself
    compat.install(app, csrf)


def _caller() -> str:
    """One bucket a key or session, else one an address. The key itself is not kept."""
    named = request.headers.get("Authorization") or request.cookies.get("bursar")
    return hashlib.sha256(named.encode()).hexdigest() if named else get_remote_address()


def _limit(app: OpenAPI, chosen: Settings) -> None:
    limiter = Limiter(
        _caller,
        app=app,
        default_limits=[chosen.rate_limit],
        storage_uri=_limit_storage(chosen),
        storage_options=_limit_storage_options(chosen),
        in_memory_fallback_enabled=True,
        swallow_errors=True,
    )
    limiter.request_filter(lambda: request.path.startswith(_UNCOUNTED))
    app.extensions["bursar_limiter"] = limiter
    for guessed in (pages.login.blueprint, pages.account.blueprint):
        limiter.limit(chosen.login_rate_limit, methods=["POST"], key_func=get_remote_address)(
            guessed
        )


def _slow_topups(app: OpenAPI, chosen: Settings) -> None:
    """Money that is added is looked at more closely: one count for all routes that add it."""
    limiter = app.extensions["bursar_limiter"]
    slower: Any = limiter.shared_limit(chosen.topup_rate_limit, "topup", override_defaults=False)
    for rule in app.url_map.iter_rules():
        if rule.rule.endswith("/topup"):
            app.view_functions[rule.endpoint] = slower(app.view_functions[rule.endpoint])


def _limit_storage(chosen: Settings) -> str:
    """Shared by all web processes where there is a Redis, else counted by each."""
    url = chosen.redis()
    if url.startswith("unix://"):
        return "redis+" + url
    return url or "memory://"


def _limit_storage_options(chosen: Settings) -> dict[str, Any]:
    """A store that hangs is left after half a second; each process then counts by itself."""
    if not chosen.redis():
        return {}
    return {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _recognise() -> None:
    if any("\0" in value for values in request.args.listvalues() for value in values):
        raise InvalidInput("The address holds a NUL character, which no text of ours can.")
    if request.path.startswith(_UNCOUNTED):
        return
    by_key = auth.from_bearer()
    # A cookie opens pages only; the API wants a key, so that no other site can make a browser call.
    of_programs = request.path.startswith("/api/") and not request.path.startswith("/api/docs")
    g.principal = by_key if by_key or of_programs else auth.from_session()
    auth.guard(current_app.view_functions.get(request.endpoint or ""))
    if g.principal is not None and (request.content_length or 0) > (
        request.max_content_length or 0
    ):
        transfer.admit_large_upload()


def _finish(response: Response) -> Response:
    headers: dict[str, Any] = {
        "X-Request-Id": g.get("request_id", ""),
        "Content-Security-Policy": _CSP,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if settings().environment == "production":
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if not request.path.startswith("/static/"):
        headers["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "none"
    metrics.REQUESTS.labels(route, str(response.status_code)).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    if not request.path.startswith(_UNCOUNTED):
        log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
        )
    return response
