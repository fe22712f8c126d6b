"""What must be true in the end, worked out from the script alone and held against the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from bench.days.script import HOUR, Feed
from bench.trials.verdict import Verdict

OFTEN, HELD_AFTER = 3, 5  # as docs/how-to/connect-sources.md says
# How long after a look that failed the next ones come, where the schedule has none sooner.
AGAIN = [timedelta(minutes=minutes) for minutes in (0, 5, 15, 35, 75, 90, 120, 180, 300)]


class Records:
    """What the database says of one tenant in the end."""

    def __init__(self, watch: psycopg.Connection[Any], tenant_id: UUID) -> None:
        self._watch, self._tenant = watch, tenant_id

    def rows(self, query: str, **names: object) -> list[Any]:
        """Rows of a query that names the tenant as %(t)s."""
        return self._watch.execute(query, {"t": self._tenant} | names).fetchall()

    def loads(self, source: str) -> list[tuple[str, int, Decimal]]:
        """Path, rows and sum of each import of this source that made budgets."""
        return self.rows(
            "select f.path, count(b.*), sum(a.authorized) from source s"
            " join source_file f on f.tenant_id = s.tenant_id and f.source_id = s.id"
            " join budget b on b.tenant_id = s.tenant_id and b.import_id = f.import_id"
            " join budget_account a on a.tenant_id = b.tenant_id and a.budget_id = b.id"
            " where s.tenant_id = %(t)s and s.name = %(name)s group by f.id, f.path",
            name=source,
        )

    def budgets(self, prefix: str) -> tuple[int, int, Decimal]:
        """Budgets of a feed's departments, their ledger entries, and their sum."""
        (row,) = self.rows(
            "select count(*), (select count(*) from ledger_entry e where e.tenant_id = %(t)s"
            "   and e.account_id in (select c.id from budget d join budget_account c"
            "     on c.tenant_id = d.tenant_id and c.budget_id = d.id"
            "     where d.tenant_id = %(t)s and d.department like %(like)s)),"
            " coalesce(sum(a.authorized), 0)"
            " from budget b join budget_account a"
            " on a.tenant_id = b.tenant_id and a.budget_id = b.id"
            " where b.tenant_id = %(t)s and b.department like %(like)s",
            like=f"{prefix} %",
        )
        return row  # type: ignore[no-any-return]

    def alerts(self, source: str) -> list[tuple[str, str, datetime]]:
        """Type, path (of a file's) and moment of each alert about a source."""
        return self.rows(
            "select a.type, coalesce(a.details ->> 'path', ''), a.created_at from alert a"
            " join source s on s.tenant_id = a.tenant_id and s.id::text = a.details ->> 'source_id'"
            " where a.tenant_id = %(t)s and s.name = %(name)s order by a.created_at",
            name=source,
        )

    def runs(self, source: str) -> list[tuple[str, datetime]]:
        """How each run of a source ended, and when, in order."""
        return self.rows(
            "select r.state, r.ended_at from source_run r"
            " join source s on s.tenant_id = r.tenant_id and s.id = r.source_id"
            " where r.tenant_id = %(t)s and s.name = %(name)s and r.ended_at is not null"
            " order by r.ended_at",
            name=source,
        )


def judge(feed: Feed, records: Records, start: datetime, end: datetime, verdict: Verdict) -> None:
    """Hold what became of one feed against its script."""
    _judge_loads(feed, records, end, verdict)
    alerts = records.alerts(feed.name)
    _judge_bad_files(feed, alerts, end, verdict)
    said = Counter(kind for kind, _, _ in alerts)
    runs = records.runs(feed.name)
    episodes = list(_episodes(runs))
    for kind, expected in {
        "source_late": _late(feed, start, end),
        "source_failed": len(episodes),
        "source_held": sum(len(e) >= HELD_AFTER for e in episodes),
        "source_failing_often": sum(_often(e) for e in episodes),
    }.items():
        verdict.require(
            said[kind] == expected, f"{feed.name}: {said[kind]} {kind}, expected {expected}"
        )
        verdict.counts[kind] += said[kind]
    known = {"source_late", "source_failed", "source_held", "source_failing_often",
             "source_file_failed", "source_file_waiting"}  # fmt: skip
    verdict.require(set(said) <= known, f"{feed.name}: unexpected alarms {set(said) - known}")
    for episode in episodes:
        inside = all(
            any(a <= at <= b + HOUR / 4 for a, b in feed.outages) for at in episode
        )  # a run that began in an outage may end a little after it
        verdict.require(inside, f"{feed.name}: failed with its server up, {episode[0]:%d %H:%M}")


def _judge_loads(feed: Feed, records: Records, end: datetime, verdict: Verdict) -> None:
    goods = [good for good in feed.goods if _loaded(feed, good.at)[1] <= end]
    loads = records.loads(feed.name)
    budgets, entries, total = records.budgets(feed.name)
    rows, whole = sum(good.rows for good in goods), sum((g.total for g in goods), Decimal(0))
    verdict.require(
        (len(loads), budgets, entries, total) == (len(goods), rows, rows, whole),
        f"{feed.name}: {len(loads)} loads, {budgets} budgets, {entries} entries, {total};"
        f" expected {len(goods)}, {rows}, {rows}, {whole}",
    )
    verdict.counts["good_files"] += len(goods)
    verdict.counts["loads"] += len(loads)


def _judge_bad_files(
    feed: Feed, alerts: list[tuple[str, str, datetime]], end: datetime, verdict: Verdict
) -> None:
    named = [(path, at) for kind, path, at in alerts if kind.startswith("source_file_")]
    bads = [bad for bad in feed.bads if _loaded(feed, bad.at)[1] <= end]
    for bad in bads:
        hits = [
            path for path, at in named
            if (path.endswith(bad.name) or feed.place.kind == "sheets")
            and bad.at <= at <= _loaded(feed, bad.at)[1]
        ]  # fmt: skip
        verdict.require(
            len(hits) == 1, f"{feed.name}: {bad.name} of {bad.at:%d %H:%M} named {len(hits)} times"
        )
    verdict.require(
        len(named) == len(bads), f"{feed.name}: {len(named)} files named, {len(bads)} are bad"
    )
    verdict.counts["bad_files"] += len(bads)
    verdict.counts["named"] += len(named)


def _loaded(feed: Feed, at: datetime) -> tuple[datetime, datetime]:
    """Between which moments a file that was put at `at` is loaded, or named."""
    if not feed.daily:
        return at, at + 2 * HOUR + HOUR / 2
    for poll in feed.expected(at, at + timedelta(days=4)):
        look = poll - 2 * HOUR
        if look < at:
            continue
        up = next((b for a, b in feed.outages if a <= look <= b), look)
        again = next(look + pause for pause in AGAIN if look + pause >= up)
        return up, again + HOUR / 2
    raise AssertionError("the script leaves a file without a look at it")


def _late(feed: Feed, start: datetime, end: datetime) -> int:
    """How many alarms there are for files that did not come in time."""
    loads = sorted(_loaded(feed, good.at) for good in feed.goods)
    alarms, open_since = 0, None
    moments = list(feed.expected(start, end))
    for n, moment in enumerate(moments):
        for first, last in loads:
            if first < moment < last:
                raise AssertionError(f"{feed.name}: the script is not clear about {moment}")
        since = moments[n - 1] if n else moment - timedelta(days=1)
        if open_since is not None and any(open_since < last <= moment for _, last in loads):
            open_since = None
        if any(since < last <= moment for _, last in loads):
            continue
        if open_since is None:
            alarms, open_since = alarms + 1, moment
    return alarms


def _episodes(runs: list[tuple[str, datetime]]) -> Iterator[list[datetime]]:
    """Failed runs in a row, by the moments when they ended."""
    episode: list[datetime] = []
    for state, ended in runs:
        if state == "failed":
            episode.append(ended)
        elif state in ("succeeded", "partial"):
            if episode:
                yield episode
            episode = []
    if episode:
        yield episode


def _often(episode: list[datetime]) -> bool:
    return any(
        sum(moment - HOUR < other <= moment for other in episode) > OFTEN for moment in episode
    )


def judge_events(
    records: Records, received: list[tuple[str, dict[str, Any]]], verdict: Verdict
) -> None:
    """Every alarm and every ended import was told to the endpoint, under one id."""
    ids: dict[str, set[str]] = {}
    for message, content in received:
        about = content.get("alertId") or content.get("importId")
        if about:
            ids.setdefault(str(about), set()).add(message)
    alarms = {str(row[0]) for row in records.rows("select id from alert where tenant_id = %(t)s")}
    ended = {
        str(row[0])
        for row in records.rows(
            "select id from import_run where tenant_id = %(t)s"
            " and state in ('completed', 'completed_with_errors', 'failed')"
        )
    }
    missing = (alarms | ended) - set(ids)
    verdict.require(not missing, f"{len(missing)} events were not told")
    doubled = [about for about, messages in ids.items() if len(messages) > 1]
    verdict.require(not doubled, f"{len(doubled)} events were told under two ids")
    verdict.counts["events_told"] = len(ids)
