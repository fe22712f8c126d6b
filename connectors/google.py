"""Talking to Google Sheets and Drive as a service account, and saying what went wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import gspread
import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials
from gspread.exceptions import APIError

from bursar.config import settings
from bursar.errors import (
    BursarError,
    NoAnswer,
    NoConnection,
    NotPermitted,
    PathMissing,
    SignInRefused,
    SourceBusy,
)
from bursar.network import CONNECT_SECONDS
from bursar.outgoing import judge

SCOPES = (
    "https://www.googleapis.com/auth/spreadsheets.readonly",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
)
_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
_HOSTS = {"https://sheets.googleapis.com": "/sheets", "https://www.googleapis.com": ""}
_PASSING = {408, 429, 500, 502, 503, 504}
_TRIES = 5
_LONGEST_PAUSE = 60.0


def sign_in(secret: dict[str, Any]) -> gspread.HTTPClient:
    """A client for this service account; nothing is sent yet. Raises SignInRefused."""
    account = dict(secret.get("service_account") or {})
    # Whoever writes the account's file must not choose where its assertion is sent.
    base = settings().sheets_base_url.rstrip("/")
    account["token_uri"] = f"{base}/token" if base else _TOKEN_URL
    try:
        credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            account, scopes=SCOPES
        )
    except (ValueError, KeyError, GoogleAuthError) as error:
        raise SignInRefused(
            "The service account's JSON is not complete: it needs client_email and private_key, as"
            " Google gives them."
        ) from error
    session = AuthorizedSession(  # type: ignore[no-untyped-call]
        credentials, auth_request=Request(judge(requests.Session())), max_refresh_attempts=1
    )
    return _Client(judge(session))


class _Client(gspread.HTTPClient):
    """gspread's client with time-outs, patience, and no way to other hosts."""

    def __init__(self, session: requests.Session) -> None:
        super().__init__(auth=None, session=session)  # type: ignore[arg-type]
        self.set_timeout((CONNECT_SECONDS, settings().source_timeout_seconds))

    def request(self, method: str, endpoint: str, *arguments: Any, **options: Any) -> Any:
        """One call, tried again after a pause where Google asks for one."""
        url = _allowed(endpoint)
        for attempt in range(1, _TRIES + 1):
            try:
                return super().request(method, url, *arguments, **options)
            except APIError as error:
                if error.code not in _PASSING or attempt == _TRIES:
                    raise
                asked = error.response.headers.get("Retry-After", "")
                pause = float(asked) if asked.isdigit() else 2.0 ** (attempt - 1)
                time.sleep(min(pause, _LONGEST_PAUSE))
        raise AssertionError("unreachable")


def _allowed(endpoint: str) -> str:
    """The address to call: Google's own, or the one that stands in for it. Raises SourceFault."""
    parts = urlsplit(endpoint)
    host = f"{parts.scheme}://{parts.netloc}"
    if host not in _HOSTS:
        raise NotPermitted(f"Sheets does not call {parts.netloc}.")
    base = settings().sheets_base_url.rstrip("/")
    return endpoint.replace(host, base + _HOSTS[host], 1) if base else endpoint


@contextmanager
def named_causes(place: str) -> Iterator[None]:
    """What gspread raises here, as the fault that names the cause."""
    try:
        yield
    except BursarError:
        raise
    except APIError as error:
        raise _meaning(error, place) from error
    except RefreshError as error:
        raise SignInRefused(
            "Google does not accept the service account: its key was deleted or disabled, or is"
            " not its own."
        ) from error
    except (requests.Timeout, TimeoutError) as error:
        raise NoAnswer(f"Google stopped answering, at {place}.") from error
    except (requests.RequestException, TransportError, OSError) as error:
        if error.args and isinstance(error.args[0], requests.Timeout):
            raise NoAnswer(f"Google stopped answering, at {place}.") from error
        raise NoConnection(f"Google broke off, at {place}: {type(error).__name__}.") from error


def _meaning(error: APIError, place: str) -> BursarError:
    """The cause behind an answer of Google."""
    if error.code == 404:
        return PathMissing(f"There is no {place}; check the id in the spreadsheet's address.")
    if error.code == 403:
        return NotPermitted(
            f"{place} is not shared with the service account. Share it, as a viewer, with the"
            " account's client_email; the Sheets and Drive APIs must be on in its project."
        )
    if error.code == 401:
        return SignInRefused("Google does not accept the service account's token.")
    if error.code == 400:
        return PathMissing(f"Google cannot read {place}: there is no such tab or range.")
    return SourceBusy(f"Google asks for a pause, or has trouble of its own ({error.code}).")
