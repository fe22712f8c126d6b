"""How the command line talks to a running Bursar: over its HTTP API, with a key."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import PurePath
from typing import IO, Any

import httpx
from sqlalchemy import text

from bursar.config import Settings
from bursar.database import Database
from bursar.errors import BursarError, Misconfigured, Unauthenticated
from bursar.tenants import create_key, find_key
from ops.cli.stack import home_of
from ops.stack.home import Home
from ops.stack.state import read_state
from ops.stack.urls import stack_urls


class Refused(BursarError):
    """The server refused the request."""

    code = "refused"


class Client:
    """The API, with the key of this shell."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self._http = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=120
        )

    def get(self, path: str, **query: Any) -> Any:
        """Read. Raises Refused."""
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._answer(self._http.get(f"/api/v1{path}", params=wanted))

    def post(
        self, path: str, body: dict[str, Any] | None = None, *, key: str | None = None, **more: Any
    ) -> Any:
        """Change. Without `key` each call is a new request. Raises Refused."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        if body is not None:
            more["json"] = body
        return self._answer(self._http.post(f"/api/v1{path}", headers=headers, **more))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """Set what there is one of. Raises Refused."""
        return self._answer(self._http.put(f"/api/v1{path}", json=body))

    def patch(self, path: str, body: dict[str, Any], version: int) -> Any:
        """Edit what was read in this version. Raises Refused."""
        headers = {"If-Match": f'"{version}"'}
        return self._answer(self._http.patch(f"/api/v1{path}", headers=headers, json=body))

    def delete(self, path: str) -> Any:
        """Take away. Raises Refused."""
        return self._answer(self._http.delete(f"/api/v1{path}"))

    def download(self, path: str) -> tuple[str, bytes]:
        """A file: its name and its bytes. Raises Refused."""
        response = self._http.get(f"/api/v1{path}")
        if not response.is_success:
            self._answer(response)
        named = re.search(r'filename="?([^";]+)', response.headers.get("Content-Disposition", ""))
        return (PurePath(named[1]).name if named else "download"), response.content

    def copy(self, path: str, target: IO[bytes], **query: Any) -> None:
        """Write a long answer to `target` while it comes. Raises Refused."""
        wanted = {name: value for name, value in query.items() if value is not None}
        with self._http.stream("GET", f"/api/v1{path}", params=wanted) as response:
            if not response.is_success:
                response.read()
                self._answer(response)
            for block in response.iter_bytes():
                target.write(block)

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json()
        if "json" not in response.headers.get("Content-Type", ""):
            raise Refused(f"The server answered {response.status_code}.")
        problem = response.json()
        faults = "".join(f"\n  {f['pointer']}: {f['detail']}" for f in problem.get("errors", []))
        raise Refused(f"{problem['detail']}{faults} ({problem['code']})")


def client(tenant: str | None = None) -> Client:
    """The API of BURSAR_API_URL with BURSAR_API_KEY; on the stack's own machine of that stack.

    There a key is made once for the shell, for the only tenant or the one that `tenant` names.
    Raises Misconfigured.
    """
    settings = Settings()
    key = settings.api_key.get_secret_value()
    if settings.api_url:
        if not key:
            raise Misconfigured("Set BURSAR_API_KEY to a key of the tenant.")
        return Client(settings.api_url, key)
    home = home_of(settings)
    state = read_state(home)
    if state.phase != "ready":
        raise Misconfigured("Bursar is not running here. Start it with `bursar up --detach`.")
    try:
        return _checked(Client(state.web_url(), key or _shell_key(home, settings, tenant)))
    except httpx.ConnectError:
        raise Misconfigured(f"Nothing answers at {state.web_url()}; try `bursar status`.") from None


def _checked(made: Client) -> Client:
    made.get("/jobs", limit=1)
    return made


def _shell_key(home: Home, settings: Settings, tenant: str | None) -> str:
    database = local_database(home, settings)
    try:
        tenant_id = find_tenant(database, tenant)
        place = home.path / f"shell-{tenant_id}.key"
        if place.is_file() and _opens(database, key := place.read_text().strip()):
            return key
        with database.transaction(tenant_id, "shell") as session:
            key = create_key(session, tenant_id, "admin", name="command line")
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
        return key
    finally:
        database.close()


def _opens(database: Database, key: str) -> bool:
    """Whether a key is still good: whoever withdrew it did not mean this shell's next one."""
    try:
        find_key(database, key)
    except Unauthenticated:
        return False
    return True


def local_database(home: Home | None = None, settings: Settings | None = None) -> Database:
    """The database of this machine's stack or of BURSAR_DATABASE_URL, as the application role."""
    chosen = settings or Settings()
    return Database(stack_urls(home or home_of(chosen), chosen).database_url, 2)


def find_tenant(database: Database, wanted: str | None) -> uuid.UUID:
    """The tenant with this id or slug; without one, the only tenant. Raises Misconfigured."""
    with database.transaction(None) as session:
        found = session.execute(text("select * from tenant_names()")).all()
    matching = [t for t in found if wanted in {None, str(t.id), t.slug, t.name}]
    if len(matching) == 1:
        return uuid.UUID(str(matching[0].id))
    if not found:
        raise Misconfigured("There is no tenant yet. Make one: bursar tenants create NAME")
    names = ", ".join(f"{t.slug} ({t.name})" for t in found[:20])
    raise Misconfigured(f"Name one tenant with --tenant: {names}")
