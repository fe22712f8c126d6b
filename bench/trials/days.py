"""Days of sources that sync unattended, as a whole running stack goes through them.

Twenty sources of SFTP, S3 and Google Sheets, in several time zones, over a change of clocks. Their
files come late, twice, half-written, renamed, with other headers, broken or not at all; servers are
away for hours; and workers in the middle of a job, all workers, beat and Valkey are killed. Every
process lives by one clock that is set forward when nothing is left to do. In the end every good
file has been loaded exactly once, every bad one named once, and every alarm raised once and told.

usage: python -m bench.trials.days [--days 7] [--seed N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import time
import uuid
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.days.clock import Clock, faithful_postgres, under_a_clock
from bench.days.doors import Door
from bench.days.oracle import Records, judge, judge_events
from bench.days.pending import Pending
from bench.days.places import Bucket, Folder, Place, Spreadsheet
from bench.days.script import HOUR, Act, Author, Feed
from bench.stack import BenchStack, running
from bench.trials.verdict import Verdict, now_seed, quietly
from tests.bursar.webhooks.receiver import Receiver
from tests.connectors.peers.google_server import Google
from tests.connectors.peers.s3_servers import Moto
from tests.connectors.peers.sftp_servers import AsyncSsh, OpenSsh

START = datetime(2026, 10, 23, tzinfo=UTC)  # Europe changes its clocks on the third day
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
PATIENCE = 4.0  # real seconds without any change before the clock is nudged


def make_places(closing: ExitStack) -> tuple[list[Place], str]:
    """Eight folders, seven buckets, five spreadsheets, and where Google is."""
    servers: list[Any] = [AsyncSsh(), OpenSsh(), Moto(strict=False), Google()]
    for server in servers:
        closing.callback(server.stop)
    asyncssh, openssh, moto, google = servers
    door = Door(int(google.url.rpartition(":")[2]))
    places: list[Place] = [Folder(server) for server in (asyncssh, openssh) * 4]
    places += [Bucket(moto) for _ in range(7)]
    places += [Spreadsheet(google, door) for _ in range(5)]
    return places, f"http://127.0.0.1:{door.port}"


def write_script(places: list[Place], chance: random.Random, end: datetime) -> list[Feed]:
    """Habits and stories of every source."""
    feeds = []
    for n, place in enumerate(places):
        sheets = place.kind == "sheets"
        hour = 12 if sheets else chance.randrange(9, 21)
        schedule = ("0 * * * *", "0 * * * *", f"0 {hour - 2} * * *", "*/15 * * * *")[n % 4]
        feed = Feed(
            f"S{n:02} {place.kind}", place, "UTC" if sheets else chance.choice(ZONES), hour,
            "0 * * * *" if sheets else schedule,
            drift_policy=chance.choice(("ask", "ask", "freeze", "evolve")),
            after_action="move" if not sheets and n % 3 == 0 else "leave",
        )  # fmt: skip
        author = Author(feed, chance)
        if sheets:
            author.first(START)
        for expected in feed.expected(START + 14 * HOUR, end - 5 * HOUR):
            author.day(expected)
        feeds.append(feed)
    # All spreadsheets are on one server, which is away twice, before their files come.
    sheets_feeds = [feed for feed in feeds if feed.place.kind == "sheets"]
    for day in (1, 3):
        away = START + day * 24 * HOUR + timedelta(minutes=20)
        if away + 3 * HOUR < end:
            Author(sheets_feeds[0], chance).outage(away, 3 * HOUR)
    for feed in sheets_feeds[1:]:
        feed.outages = list(sheets_feeds[0].outages)
    return feeds


def add(api: httpx.Client, feed: Feed) -> None:
    """Make the source of a feed."""
    config, secret = feed.place.config()
    body = {
        "name": feed.name, "type": feed.place.kind, "config": config, "secret": secret,
        "schedule": feed.schedule, "time_zone": feed.zone,
        "expected_by": f"{feed.expected_hour:02}:00", "drift_policy": feed.drift_policy,
        "after_action": feed.after_action,
    }  # fmt: skip
    made = api.post("/api/v1/sources", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert made.status_code == 201, made.text


class Killer:
    """Kills parts of the stack at moments that the script chose."""

    def __init__(self, stack: BenchStack, verdict: Verdict) -> None:
        self._stack, self._verdict = stack, verdict
        self._thirst = 0

    def acts(self, chance: random.Random, end: datetime) -> list[Act]:
        """When what is killed."""
        span = (end - START - HOUR).total_seconds()
        times = [START + HOUR + timedelta(seconds=chance.uniform(0, span)) for _ in range(48)]
        plans = [self._want] * 30 + [self._kill("worker")] * 8 + [self._kill("beat")] * 8
        plans += [self._kill("valkey")] * 2
        return [Act(at, plan) for at, plan in zip(times, plans, strict=True)]

    def look(self, busy: list[int]) -> None:
        """Kill a worker that is in the middle of a job, if one is wanted."""
        for pid in busy[: self._thirst]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self._verdict.counts["busy_workers_killed"] += 1
                self._thirst -= 1

    def _want(self, _: datetime) -> None:
        self._thirst += 1

    def _kill(self, name: str) -> Any:
        def kill(_: datetime) -> None:
            with suppress(ProcessLookupError, StopIteration, FileNotFoundError):
                os.kill(self._stack.pids(name)[0], signal.SIGKILL)
                self._verdict.counts[f"{name}_killed"] += 1

        return kill


def live(clock: Clock, pending: Pending, acts: list[Act], killer: Killer, end: datetime) -> None:
    """Go through the script: carry out what is due, wait for the stack, set the clock forward."""
    acts = sorted(acts, key=lambda act: act.at)
    seen: object = None
    since, day = time.monotonic(), START
    while (now := clock.now()) < end:
        while acts and acts[0].at <= now:
            acts.pop(0).do(now)
        if now >= day:
            print(f"{day:%a %d %b}", flush=True)
            day += 24 * HOUR
        state = pending.look()
        killer.look(state.busy)
        if state.fingerprint != seen:
            seen, since = state.fingerprint, time.monotonic()
        ahead = acts[0].at if acts else end
        if not state.work:
            clock.set(max(now, min(ahead, state.next_moment, end)) + timedelta(seconds=0.2))
            since = time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            # Something waits for time to pass: a lease of a dead worker, or a bell that was lost.
            clock.set(min(ahead, now + timedelta(seconds=5)))
            since = time.monotonic()
        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    clock = under_a_clock()
    quietly()
    verdict = Verdict("sources that sync unattended", options.seed)
    chance = random.Random(options.seed)
    end = START + options.days * 24 * HOUR
    began = time.monotonic()
    clock.set(START)
    with ExitStack() as closing:
        places, google = make_places(closing)
        receiver = Receiver()
        closing.callback(receiver.stop)
        feeds = write_script(places, chance, end)
        stack = closing.enter_context(
            running(
                BURSAR_TICK_SECONDS="1", BURSAR_ALLOW_PRIVATE_HOSTS="127.0.0.1",
                BURSAR_SHEETS_BASE_URL=google, BURSAR_SOURCE_TIMEOUT_SECONDS="2",
                BURSAR_PG_BIN=faithful_postgres(),
            )
        )  # fmt: skip
        tenant_id, api = stack.tenant()
        receiver.secrets.append(subscribe(api, receiver.url))
        for feed in feeds:
            add(api, feed)
        killer = Killer(stack, verdict)
        acts = [act for feed in feeds for act in feed.acts] + killer.acts(chance, end)
        watch = closing.enter_context(psycopg.connect(stack.admin, autocommit=True))
        live(clock, Pending(watch), acts, killer, end)
        settle(clock, Pending(watch))
        conclude(feeds, Records(watch, tenant_id), receiver, clock, verdict)
        keep_evidence(stack, watch, verdict)
    stories: dict[str, int] = {}
    for feed in feeds:
        for story, count in feed.told.items():
            stories[story] = stories.get(story, 0) + count
    minutes = round((time.monotonic() - began) / 60, 1)
    verdict.close(days=options.days, sources=len(feeds), stories=stories, minutes=minutes)


def subscribe(api: httpx.Client, url: str) -> str:
    """An endpoint that hears of everything; its secret."""
    made = api.post(
        "/api/v1/webhooks", json={"url": url}, headers={"Idempotency-Key": uuid.uuid4().hex}
    )
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


def settle(clock: Clock, pending: Pending) -> None:
    """Let the last work and the last messages end."""
    for _ in range(3_000):
        state = pending.look()
        if not state.work and not state.duties:
            return
        if not state.work:
            clock.forward(timedelta(seconds=5))
        time.sleep(0.02)


def conclude(
    feeds: list[Feed], records: Records, receiver: Receiver, clock: Clock, verdict: Verdict
) -> None:
    """Hold everything against the script."""
    end = clock.now()
    for feed in feeds:
        judge(feed, records, START + HOUR / 60, end, verdict)
    judge_events(records, receiver.received, verdict)
    verdict.require(receiver.unverified == 0, "a signature did not verify")
    left = records.rows(
        "select kind, state, count(*) from job where tenant_id = %(t)s"
        " and state in ('dead', 'running', 'retrying') and kind <> 'sources.sync' group by 1, 2"
    )
    verdict.require(not left, f"jobs are left: {left}")
    (runs,) = records.rows("select count(*) from source_run where tenant_id = %(t)s")
    (lost,) = records.rows(
        "select count(*) from job_attempt where tenant_id = %(t)s and outcome = 'worker_lost'"
    )
    (wrong,) = records.rows("select count(*) from ledger_verify(%(t)s)")
    verdict.require(wrong[0] == 0, f"{wrong[0]} chains do not verify")
    verdict.counts["runs"], verdict.counts["attempts_lost"] = runs[0], lost[0]


def keep_evidence(
    stack: BenchStack, watch: psycopg.Connection[tuple[Any, ...]], verdict: Verdict
) -> None:
    """Keep what somebody needs who asks why a promise broke."""
    if not verdict.broken:
        return
    folder = Path(f"/tmp/bursar-days-{verdict.seed}")
    folder.mkdir(exist_ok=True)
    for table in ("source", "source_run", "source_file", "alert", "job", "job_attempt"):
        rows = watch.execute(f"select row_to_json(t) from {table} t").fetchall()
        lines = [json.dumps(row[0]) for row in rows]
        (folder / f"{table}.jsonl").write_text("\n".join(lines))
    for log in stack.home.path.rglob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())
    print(f"evidence: {folder}", flush=True)


if __name__ == "__main__":
    main()
