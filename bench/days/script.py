"""What happens at each source, drawn by a seed, and what must come of it."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import xlsxwriter

from bench.days.doors import OPEN, SHUT, SILENT, SLAMS
from bench.days.places import HEAD, Place, Rows, csv_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DRIFTED = ["Department", "Sub Category", "Fiscal Year", "Approved Amount"]
PAYROLL = [["Employee", "Gross Pay", "Net Pay", "Tax"], ["A. Miller", "5100.00", "3400.00", "1700"]]
STORIES = {
    "normal": 30, "late": 12, "twice": 12, "renamed": 10, "half": 12, "bad": 18, "down": 14,
    "never": 4,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Good:
    """A file that must be loaded once: its bytes are there from `at` on."""

    at: datetime
    name: str
    rows: int
    total: Decimal


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that must be named once and not be loaded."""

    at: datetime
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens at a source."""

    at: datetime
    do: Callable[[datetime], None]


@dataclass
class Feed:
    """A source, its habits, and what the script lets happen there."""

    name: str
    place: Place
    zone: str
    expected_hour: int
    schedule: str
    drift_policy: str = "ask"
    after_action: str = "leave"
    acts: list[Act] = field(default_factory=list)
    goods: list[Good] = field(default_factory=list)
    bads: list[Bad] = field(default_factory=list)
    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)

    @property
    def daily(self) -> bool:
        """Looked at once a day, two hours before its file is expected."""
        return self.schedule.split()[1] != "*"

    def expected(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The moments by which a file must have come."""
        day = start.astimezone(ZoneInfo(self.zone)).date()
        while True:
            at = datetime.combine(day, time(self.expected_hour), ZoneInfo(self.zone))
            moment = at.astimezone(UTC)
            if moment > end:
                return
            if moment > start:
                yield moment
            day += timedelta(days=1)


class Author:
    """Writes the script of one feed."""

    def __init__(self, feed: Feed, chance: random.Random) -> None:
        self._feed, self._chance = feed, chance
        self._count = 0

    def day(self, expected: datetime) -> None:
        """The story of one file that is expected by a moment."""
        names = list(STORIES)
        (story,) = self._chance.choices(names, list(STORIES.values()))
        if story == "half" and self._feed.place.kind != "sftp":
            story = "normal"  # the others never show half of a file
        if story == "down" and self._feed.place.kind == "sheets":
            story = "normal"  # they share a server, which has outages of its own
        at = expected - 8 * HOUR + self._chance.randrange(40) * MINUTE
        self._feed.told[story] = self._feed.told.get(story, 0) + 1
        getattr(self, f"_{story}")(expected, at)

    def first(self, at: datetime) -> None:
        """What is there from the beginning, as a spreadsheet always is."""
        self._good(at)

    def outage(self, start: datetime, length: timedelta) -> None:
        """The server does not answer for a while."""
        state = self._chance.choice((SHUT, SHUT, SLAMS, SILENT))
        door = self._feed.place.door
        self._act(start, lambda _: door.set(state))
        self._act(start + length, lambda _: door.set(OPEN))
        self._feed.outages.append((start, start + length))

    def _normal(self, _: datetime, at: datetime) -> None:
        self._good(at)

    def _late(self, expected: datetime, _: datetime) -> None:
        self._good(expected + 2 * HOUR)

    def _never(self, *_: datetime) -> None:
        pass

    def _twice(self, _: datetime, at: datetime) -> None:
        name, content = self._good(at)
        place = self._feed.place
        again = name if self._chance.random() < 0.5 else f"copy of {name}"
        self._act(at + 2.5 * HOUR, lambda now: place.touch(again, content, now))

    def _renamed(self, _: datetime, at: datetime) -> None:
        name, content = self._good(at)
        place = self._feed.place
        self._act(at + 3 * HOUR, lambda now: place.rename(name, f"final {name}", content, now))

    def _half(self, _: datetime, at: datetime) -> None:
        """Uploaded in pieces, each of them sooner than a file counts as settled."""
        name, content, good = self._file(at + 2 * MINUTE)
        cuts = sorted(self._chance.sample(range(30, len(content)), 3))
        for n, cut in enumerate([*cuts, len(content)]):
            part = content[:cut]
            self._put(at + n * timedelta(seconds=40), name, part)
        self._feed.goods.append(good)

    def _bad(self, _: datetime, at: datetime) -> None:
        name, content, good = self._file(at)
        kinds = ["payroll", "drifted"] if self._feed.goods else ["payroll"]
        if self._feed.place.kind != "sheets":
            kinds += ["empty", "noise", "truncated"]
        if len(self._feed.goods) >= 4:
            kinds.append("unusual")
        why = self._chance.choice(kinds)
        if why == "drifted" and self._feed.drift_policy == "evolve":
            self._put(at, name, content.replace(b"Budget\r", b"Approved Amount\r", 1))
            self._feed.goods.append(good)
            return
        ends = ".xlsx" if why in ("noise", "truncated") else ".csv"
        bad = f"{why} {name.removesuffix('.csv')}{ends}"
        self._put(at, bad, self._spoiled(why, content))
        self._feed.bads.append(Bad(at, bad, why))
        self._good(at + HOUR)

    def _down(self, expected: datetime, at: datetime) -> None:
        if self._feed.daily:  # over soon enough for a second look, or too late for the day
            length = self._chance.choice((self._chance.randrange(80, 118), 210))
            self.outage(expected - 3 * HOUR, length * MINUTE)
        else:
            self.outage(expected - 12 * HOUR, self._chance.randrange(100, 235) * MINUTE)
        self._good(at)

    def _good(self, at: datetime) -> tuple[str, bytes]:
        name, content, good = self._file(at)
        self._put(at, name, content)
        self._feed.goods.append(good)
        return name, content

    def _file(self, at: datetime, rows: int = 0) -> tuple[str, bytes, Good]:
        """A budget of about ten rows, which no other file has."""
        self._count += 1
        table: Rows = [HEAD]
        total = Decimal(0)
        for row in range(rows or self._chance.randrange(9, 12)):
            amount = Decimal(self._chance.randrange(4_000_00, 6_000_00)) / 100
            total += amount
            sub = f"{at:%d %H%M} {self._count}"
            table.append([f"{self._feed.name} {row}", sub, "FY2026", f"{amount:.2f}"])
        name = f"plan {self._count:02}.csv"
        return name, csv_of(table), Good(at, name, len(table) - 1, total)

    def _spoiled(self, why: str, content: bytes) -> bytes:
        if why == "payroll":
            return csv_of([*PAYROLL, [f"B. {self._feed.name}", f"{self._count}00.00", "1", "2"]])
        if why == "drifted":
            return content.replace(b"Budget\r", b"Approved Amount\r", 1)
        if why == "unusual":
            return self._file(self._feed.goods[-1].at, 40)[1]
        if why == "noise":
            return self._chance.randbytes(4_000)
        if why == "empty":
            return b""
        book = io.BytesIO()
        with xlsxwriter.Workbook(book) as workbook:
            sheet = workbook.add_worksheet()
            for n, row in enumerate(content.decode().splitlines()):
                sheet.write_row(n, 0, row.split(","))
        return book.getvalue()[: -self._chance.randrange(500, 2_000)]

    def _put(self, at: datetime, name: str, content: bytes) -> None:
        place = self._feed.place
        self._act(at, lambda now: place.put(name, content, now))

    def _act(self, at: datetime, do: Callable[[datetime], None]) -> None:
        self._feed.acts.append(Act(at, do))
