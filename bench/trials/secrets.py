"""Promises 33 and 34: host keys are pinned, and secrets stay unseen.

Forty sources carry a canary each in their secret and are looked at by workers of a whole running
stack, with a server that refuses them. Then the canaries are searched for in the logs, in every
table, in everything that Valkey and the files of the home hold, and in every answer of the API.
Twenty times a server shows a host key that nobody agreed to, or another one: nothing is sent to it,
and the alarm is raised. A thousand secrets are written anew with a new key, and all can be read.

usage: python -m bench.trials.secrets [--canaries 40] [--secrets 1000] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncssh
import httpx
import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from bench.stack import BenchStack, database_only, running
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar.config import settings
from bursar.resealing import reseal
from bursar.secrets import newest_key_id
from bursar.sources import editing
from bursar.sources.editing import NewSource
from schema.tables import Source
from tests.connectors.peers.sftp_servers import PASSWORD, USER, AsyncSsh

ENDED = {"succeeded", "failed", "dead", "cancelled"}


def add(api: httpx.Client, name: str, server: AsyncSsh, pin: str, password: str) -> str:
    body = {
        "name": name, "type": "sftp",
        "config": {"host": "127.0.0.1", "port": server.port, "username": USER, "path": "/",
                   "host_key": pin},
        "secret": {"password": password},
    }  # fmt: skip
    made = api.post("/api/v1/sources", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    made.raise_for_status()
    return str(made.json()["id"])


def look(api: httpx.Client, source: str) -> str:
    """Run a source to its end; the code of what went wrong."""
    path = f"/api/v1/sources/{source}"
    started = api.post(f"{path}/sync", headers={"Idempotency-Key": uuid.uuid4().hex}).json()
    for _ in range(600):
        job = api.get(f"/api/v1/jobs/{started['job_id']}").json()
        if job["state"] in ENDED:
            return str((job.get("error") or {}).get("code", job["state"]))
        time.sleep(0.05)
    return "still running"


def answers(api: httpx.Client, sources: list[str]) -> str:
    """Everything that the API says about sources, jobs and alerts."""
    paths = ["/api/v1/sources", "/api/v1/jobs", "/api/v1/alerts", "/metrics", "/sources", "/jobs"]
    paths += [f"/api/v1/sources/{s}{more}" for s in sources for more in ("", "/runs", "/files")]
    said = [api.get(path).text for path in paths]
    said += [
        api.post(f"/api/v1/sources/{s}/test", headers={"Idempotency-Key": uuid.uuid4().hex}).text
        for s in sources
    ]
    return "\n".join(said)


def rows_with(admin: str, canaries: list[str]) -> int:
    """Rows of any table that show one of the canaries."""
    found = 0
    with psycopg.connect(admin) as watch:
        tables = watch.execute(
            "select table_name from information_schema.tables where table_schema = 'public'"
            " and table_type = 'BASE TABLE'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("select count(*) from {} t where t::text like any (%s)")
            hit = watch.execute(
                query.format(sql.Identifier(table)), ([f"%{c}%" for c in canaries],)
            ).fetchone()
            found += hit[0] if hit else 0
    return found


def files_with(home: Path, canaries: list[str]) -> list[str]:
    """Files of the home (logs, Valkey's and PostgreSQL's own) that hold one of the canaries."""
    wanted = [canary.encode() for canary in canaries]
    found = []
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            try:
                content = path.read_bytes()
            except OSError:
                continue
            if any(canary in content for canary in wanted):
                found.append(str(path.relative_to(home)))
    return found


def unseen(stack: BenchStack, server: AsyncSsh, count: int, verdict: Verdict) -> None:
    _, api = stack.tenant()
    canaries = [f"canary{uuid.uuid4().hex}" for _ in range(count)]
    pin = server.pin
    sources = [add(api, f"canary {n}", server, pin, c) for n, c in enumerate(canaries)]
    for source in sources:
        code = look(api, source)
        verdict.require(code == "sign_in_refused", f"a wrong password was answered with {code}")
    text = answers(api, sources)
    verdict.require(not any(c in text for c in canaries), "the API shows a canary")
    verdict.require(rows_with(stack.admin, canaries) == 0, "a table shows a canary")
    seen = files_with(stack.home.path, canaries)
    verdict.require(seen == [], f"files show a canary: {seen}")
    # What is no secret is found in the same way, so the search does see.
    verdict.require(rows_with(stack.admin, ["canary 0"]) > 0, "the search of tables is blind")
    verdict.require(bool(files_with(stack.home.path, [sources[0]])), "the search of files is blind")
    verdict.counts["canaries"] = count


def pinned(stack: BenchStack, server: AsyncSsh, verdict: Verdict) -> None:
    _, api = stack.tenant()
    for n in range(20):
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        pin, expected = (("", "host_key_unknown"), (other, "host_key_changed"))[n % 2]
        code = look(api, add(api, f"pin {n}", server, pin, PASSWORD))
        verdict.require(code == expected, f"host key {n}: {code} instead of {expected}")
        verdict.counts["host_keys_refused"] += code == expected
    alarms = api.get("/api/v1/alerts", params={"type": "source_failed", "limit": 200}).json()
    verdict.require(len(alarms["data"]) == 20, f"{len(alarms['data'])} alarms for 20 host keys")


def rotated(count: int, verdict: Verdict) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))

    def keys(*listed: str) -> None:
        os.environ["BURSAR_SECRETS_KEY"] = ",".join(listed)
        settings.cache_clear()

    keys(old)
    with database_only() as stack:
        tenant_id, _ = stack.tenant()
        place = {"bucket": "b"}
        made: dict[UUID, dict[str, Any]] = {}
        with stack.database.transaction(tenant_id, "trial") as session:
            for n in range(count):
                secret = {"access_key_id": f"a{n}", "secret_access_key": uuid.uuid4().hex}
                one = NewSource(f"s{n}", "s3", place, secret)
                made[editing.create_source(session, tenant_id, one, "trial").id] = secret
        keys(new, old)
        with stack.database.transaction(tenant_id, "trial") as session:
            verdict.counts["rotated"] = reseal(session, newest_key_id())
        keys(new)
        with stack.database.transaction(tenant_id, "trial") as session:
            wrong = sum(
                editing.read_secret(session, session.get_one(Source, (tenant_id, source))) != secret
                for source, secret in made.items()
            )
        verdict.require(wrong == 0, f"{wrong} secrets cannot be read with the new key")
        verdict.require(verdict.counts["rotated"] == count, "not all secrets were written anew")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--canaries", type=int, default=40)
    parser.add_argument("--secrets", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("33, 34 host keys are pinned, secrets stay unseen", options.seed)
    quietly()
    os.environ["BURSAR_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1"
    server = AsyncSsh()
    try:
        with running() as stack:
            unseen(stack, server, options.canaries, verdict)
            pinned(stack, server, verdict)
        rotated(options.secrets, verdict)
    finally:
        server.stop()
    verdict.close()


if __name__ == "__main__":
    main()
