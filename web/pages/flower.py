"""Flower behind our log-in: who may look at it is passed through to it, and only for looking.

Flower knows no tenants: it shows the ids of all jobs, so it wants the highest role that there is.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import structlog
from flask import Blueprint, Flask, Response, g, redirect, request

from bursar.config import settings
from bursar.errors import Forbidden, NotFound, Transient
from web.auth import ADMIN, allows, of_operator, principal, require

log = structlog.get_logger("bursar.web")
blueprint = Blueprint("flower", __name__)

PREFIX = "/flower"
# What a table of Flower asks for by POST, and changes nothing.
_READ_BY_POST = "tasks/datatable"
_LARGEST_QUESTION = 64 * 1024
_LARGEST_ANSWER = 32 * 1024 * 1024
# By name, so that no cookie, key or word about our own connection can slip through.
_ASKED = ("Accept", "Accept-Encoding", "Accept-Language", "Content-Type", "If-None-Match",
          "If-Modified-Since", "X-Requested-With")  # fmt: skip
_ANSWERED = ("Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition", "ETag",
             "Last-Modified", "Vary")  # fmt: skip
# The only script that stands in a page of Flower, with either value.
_INLINE = ("\nvar autorefresh = 1;\n", "\nvar autorefresh = 0;\n")


class FlowerUnavailable(Transient):
    """Flower does not answer, or is not set up."""

    code = "flower_unavailable"


def install(app: Flask) -> None:
    """Let Flower's own table ask: its form has no token of ours, and changes nothing."""
    app.register_blueprint(blueprint)
    app.extensions["csrf"].exempt(blueprint)


def _hash(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


# As for our own pages, but for that script and for the style attributes that its tables write.
_CSP = (
    f"default-src 'none'; script-src 'self' {' '.join(map(_hash, _INLINE))}; style-src 'self';"
    " style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def shown() -> bool:
    """Whether who is asking may open Flower, and there is one."""
    who = g.get("principal")
    return bool(settings().flower_url) and who is not None and _operates(who)


@blueprint.get(PREFIX, strict_slashes=False)
@require(ADMIN)
def front() -> Any:
    """Flower's list of workers."""
    if not request.path.endswith("/"):  # its own links are relative to the folder
        return redirect(f"{PREFIX}/", 308)
    return _passed_through("")


@blueprint.get(f"{PREFIX}/<path:place>")
@require(ADMIN)
def look(place: str) -> Any:
    """Any other page of Flower, and what its pages load."""
    return _passed_through(place)


@blueprint.post(f"{PREFIX}/<path:place>")
@require(ADMIN)
def ask(place: str) -> Any:
    """The rows of Flower's table of tasks; every other form of Flower is refused."""
    if place != _READ_BY_POST:
        raise Forbidden(
            "Flower is for looking only: what it changes goes past the rows of the jobs. Try jobs"
            " again and cancel them at `/jobs`; stop workers where they run."
        )
    return _passed_through(place)


def _operates(who: Any) -> bool:
    return allows(who.role, ADMIN) and of_operator(who)


def _passed_through(place: str) -> Response:
    if not _operates(principal()):
        raise Forbidden(
            "Flower shows the jobs of every organisation here, so only administrators of those that"
            " BURSAR_OPERATOR_TENANTS names may open it."
        )
    if any(part in {".", ".."} for part in place.split("/")):
        raise NotFound
    if not settings().flower_url:
        raise FlowerUnavailable("Flower is not set up here: the operator sets BURSAR_FLOWER_URL.")
    answer = _asked(place)
    if answer.status_code == 401:
        answer.close()
        raise FlowerUnavailable(
            "Flower refuses the user and password of BURSAR_FLOWER_URL; they have to be those of"
            " its FLOWER_BASIC_AUTH."
        )
    headers = {name: answer.headers[name] for name in _ANSWERED if name in answer.headers}
    if "Location" in answer.headers:
        headers["Location"] = _ours(answer.headers["Location"])
    headers["Content-Security-Policy"] = _CSP
    passed = Response(_limited(answer), answer.status_code, headers)
    passed.call_on_close(answer.close)
    return passed


def _asked(place: str) -> httpx.Response:
    """Flower's answer, its body not yet read. Raises FlowerUnavailable."""
    request.max_content_length = _LARGEST_QUESTION
    client = _client(os.getpid())
    asked = client.build_request(
        "POST" if request.method == "POST" else "GET",
        f"{settings().flower_url.rstrip('/')}/{quote(place, safe='/@:~')}",
        params=request.args.to_dict(flat=False) or None,
        content=request.get_data() or None,
        # As bytes: the text of a header is whatever bytes came, and httpx would want ASCII.
        headers=[
            (name.encode(), request.headers[name].encode("latin-1"))
            for name in _ASKED
            if name in request.headers
        ],
    )
    try:
        return client.send(asked, stream=True)
    except httpx.HTTPError as error:
        log.warning("flower does not answer", error=type(error).__name__)
        raise FlowerUnavailable(
            "Flower does not answer. It is started again by itself; `bursar status` says whether"
            " it runs, `bursar logs flower` what it said last."
        ) from error


@lru_cache(maxsize=1)
def _client(_pid: int) -> httpx.Client:
    # One a process: a forked child must not share its parent's sockets. All share it, so it keeps
    # no cookies: those that Flower sets for one must not be sent for another.
    return httpx.Client(
        timeout=httpx.Timeout(15, connect=2),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def _limited(answer: httpx.Response) -> Iterator[bytes]:
    """The body as it comes; one without end is broken off, and seen to be by who reads it."""
    size = 0
    for chunk in answer.iter_raw():
        size += len(chunk)
        if size > _LARGEST_ANSWER:
            raise FlowerUnavailable("Flower's answer is too large to be passed on.")
        yield chunk


def _ours(location: str) -> str:
    """The same place under our own address, never another site."""
    parts = urlsplit(location)
    inside = parts.path == PREFIX or parts.path.startswith(f"{PREFIX}/")
    return f"{parts.path}?{parts.query}".rstrip("?") if inside else f"{PREFIX}/"
