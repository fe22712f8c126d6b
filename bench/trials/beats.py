"""Promise 20: one tick, one run, however many beats there are and whichever of them dies.

Three beats tick in a running stack: its own, and two more with the same command and environment.
Ten times the one that ticked last is killed (kill -9) and comes back after a while: most times
while the others go on, then until one alone is left over the turn of a minute, and once together
with all others for more than two minutes. Each source, due every minute, must have one run for each
minute and one job for each run; only where no beat was alive may one run make up for all that were
missed. No housekeeping may be done twice for one moment, or be left out while a beat was alive.

usage: python -m bench.trials.beats [--kills 10] [--sources 20] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
import time
import uuid
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import psycopg

from bench.stack import BenchStack, running
from bench.trials.ticking import Beats
from bench.trials.verdict import Verdict, now_seed
from tests.connectors.peers.sftp_servers import PASSWORD, USER, AsyncSsh

MINUTE = timedelta(minutes=1)
# A beat ticks every 10 seconds, and comes back within seconds; a longer gap is a tick left out.
LONGEST_GAP = timedelta(seconds=30)
# The kills for which more than the leader stays away; the others are ordinary ones.
ALONE, DARK = 5, 8


def add_sources(stack: BenchStack, server: AsyncSsh, count: int) -> UUID:
    """Sources that look at an empty folder every minute; their tenant."""
    tenant_id, api = stack.tenant()
    for n in range(count):
        body = {
            "name": f"source {n}", "type": "sftp", "schedule": "* * * * *",
            "config": {"host": "127.0.0.1", "port": server.port, "username": USER,
                       "path": server.folder(f"empty-{n}"), "host_key": server.pin},
            "secret": {"password": PASSWORD},
        }  # fmt: skip
        made = api.post("/api/v1/sources", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
        made.raise_for_status()
    return tenant_id


def sleep_past_minutes(minutes: int, seconds: float) -> None:
    """Sleep until so many minutes have turned, and so many seconds more."""
    now = time.time()
    time.sleep(60 * (now // 60 + minutes) + seconds - now)


def kill_and_return(beats: Beats, kills: int, chance: random.Random) -> list[datetime]:
    """Let the leader die again and again; from when to when it was dark."""
    dark: list[datetime] = []
    done = 0
    while done < kills:
        time.sleep(chance.uniform(12, 25))
        beats.kill_leader()
        done += 1
        if done == ALONE:
            beats.kill_leader()
            done += 1
            sleep_past_minutes(1, 20)
        elif done == DARK:
            if not 25 < time.time() % 60 < 45:
                # By then this minute's runs have begun, and the next one's are the first missed.
                beats.return_all()
                sleep_past_minutes(1, 30)
                beats.kill_leader()
            beats.kill_others()
            dark.append(beats.now())
            sleep_past_minutes(2, 15)
            dark.append(beats.now())
        else:
            time.sleep(chance.uniform(3, 25))
        beats.return_all()
    return dark


def judge_sources(
    verdict: Verdict, watch: psycopg.Connection, tenant_id: UUID, dark: list[datetime]
) -> None:
    """One run for each source and minute, with one job; a make-up run after the dark."""
    rows = watch.execute(
        "select r.source_id, r.due_at, r.created_at, r.state, (select count(*) from job j"
        "   where j.tenant_id = r.tenant_id and j.kind = 'sources.sync'"
        "   and j.payload->>'run_id' = r.id::text and j.attempts = 1)"
        " from source_run r where r.tenant_id = %s and r.trigger = 'schedule'"
        " and r.due_at < now() - interval '40 seconds' order by r.source_id, r.due_at",
        (tenant_id,),
    ).fetchall()
    runs: dict[UUID, list[tuple[datetime, datetime]]] = {}
    for source, due, created, state, jobs in rows:
        runs.setdefault(source, []).append((due, created))
        verdict.require(state == "succeeded", f"the run of {due} ended {state}")
        verdict.require(jobs == 1, f"the run of {due} was done {jobs} times")
        verdict.require(due.second == 0 == due.microsecond, f"{due} is no minute")
        verdict.counts["runs"] += 1
    first = min(of[0][0] for of in runs.values())
    last = max(of[-1][0] for of in runs.values())
    for of in runs.values():
        moments = [due for due, _ in of]
        verdict.require(len(set(moments)) == len(moments), f"doubled: {moments}")
        # A source that was made just after a minute had turned begins a minute later.
        verdict.require(moments[0] <= first + MINUTE, f"begun late, {moments[0]}")
        verdict.require(moments[-1] == last, f"ended early, {moments[-1]}")
        for (due, created), (following, _) in pairwise(of):
            gone = [due + n * MINUTE for n in range(1, (following - due) // MINUTE)]
            if not gone:
                continue
            in_dark = bool(dark) and dark[0] < due and gone[-1] <= created
            verdict.require(in_dark, f"left out without cause: {gone} after {due}")
            verdict.counts["made_up_by_one"] += 1
        if dark:
            late = [due for due, created in of if created - due > MINUTE]
            verdict.require(len(late) == 1, f"the dark was made up for by {len(late)} runs")
    verdict.counts["minutes"] = (last - first) // MINUTE + 1


def judge_housekeeping(
    verdict: Verdict, watch: psycopg.Connection, began: datetime, dark: list[datetime]
) -> None:
    """No moment of a schedule twice, none nearer than its pace, none left out by light."""
    rows = watch.execute(
        "select r.name, array_agg(r.due_at order by r.due_at),"
        " array_agg(r.started_at order by r.started_at), s.every_seconds from schedule_run r"
        " join schedule s on s.name = r.name where r.started_at > %s group by 1, 4",
        (began,),
    ).fetchall()
    for name, due, started, every in rows:
        pace = timedelta(seconds=every)
        verdict.counts["housekeeping"] += len(due)
        near = [a for a, b in pairwise(due) if b - a < pace]
        verdict.require(near == [], f"{name}: done twice within its {every} seconds, {near}")
        if pace > LONGEST_GAP:
            continue
        for a, b in pairwise(started):
            in_dark = bool(dark) and a < dark[1] and b > dark[0]
            verdict.require(in_dark or b - a < LONGEST_GAP, f"{name}: none from {a} to {b}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--sources", type=int, default=20)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    os.environ["BURSAR_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1"
    verdict = Verdict("20 one tick, one run", options.seed)
    server = AsyncSsh()
    try:
        with running() as stack, psycopg.connect(stack.admin, autocommit=True) as watch:
            with Beats(stack, others=2) as beats:
                beats.return_all()
                began = beats.now()
                tenant_id = add_sources(stack, server, options.sources)
                sleep_past_minutes(1, 25)
                dark = kill_and_return(beats, options.kills, random.Random(options.seed))
                sleep_past_minutes(1, 45)
                verdict.counts.update(beats.counts)
            judge_sources(verdict, watch, tenant_id, dark)
            judge_housekeeping(verdict, watch, began, dark)
            verdict.require(beats.counts["leaders_killed"] >= options.kills, "too few kills")
            seconds = (dark[1] - dark[0]).total_seconds() if dark else 0
    finally:
        server.stop()
    verdict.close(seconds_of_dark=round(seconds))


if __name__ == "__main__":
    main()
