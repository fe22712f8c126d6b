"""Promise 23, for sources: the same file loads once, and half a file never does.

A hundred files come by SFTP and S3, each to a source of its own, and something happens to each:
it is renamed, touched or sent again after it was loaded, under its own name or another; it is
replaced, and perhaps goes back to what it was; it grows while runs look at it; it is replaced, cut
short, broken off or taken away while it is read, and comes back. After every look the tables must
hold one whole content or nothing, and in the end each content that stood still has one import, with
its sum.

usage: python -m bench.trials.source_files [--files 100] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile

from cryptography.fernet import Fernet

from bench.stack import database_only
from bench.trials.meddling import Front, S3Place, SftpPlace
from bench.trials.verdict import Verdict, now_seed, quietly
from bench.trials.watched_file import Watched
from tests.connectors.peers.s3_servers import Moto
from tests.connectors.peers.sftp_servers import AsyncSsh

ROWS, READ_ROWS = 300, 4_000  # of what is meddled with while it is read: some six blocks of SFTP
BOTH = ("renamed", "touched", "sent again", "sent under another name", "replaced",
        "replaced and back", "replaced while read", "gone while read")  # fmt: skip
_READ = ("while read", "off")
EVENTS = {"sftp": (*BOTH, "grown", "cut while read"), "s3": (*BOTH, "broken off")}


def happen(file: Watched) -> None:
    """Let the event happen to a file, before, while or after it is loaded."""
    chance, place, event = file.chance, file.place, file.event
    first = file.content()
    if event == "grown":
        grow(file, first)
    elif event.endswith(_READ):
        if chance.random() < 0.5:
            file.load(first)
            first = file.content()
        meddle(file, first)
    else:
        file.load(first)
    if event == "renamed":
        place.rename("budget.csv", "loaded.csv")
    elif event == "touched":
        place.touch("budget.csv")
    elif event.startswith("sent"):
        again = "budget.csv" if event == "sent again" else "again.csv"
        place.put(again, first, by_rename=chance.random() < 0.5)
    elif event in ("replaced", "replaced and back"):
        file.load(file.content())
        if event == "replaced and back":
            file.load(first)
    file.rest()


def grow(file: Watched, content: bytes) -> None:
    """Write a file a part at a time, often up to the end of a line, while runs look at it."""
    for cut in sorted(file.chance.sample(range(1, len(content)), file.chance.randint(2, 4))):
        end = content.find(b"\n", cut) + 1 if file.chance.random() < 0.5 else cut
        file.place.put("budget.csv", content[:end])
        for _ in range(file.chance.randint(1, 2)):
            file.look()
        file.pass_time()
    file.load(content)


def meddle(file: Watched, content: bytes) -> None:
    """Replace a file, cut it short or break it off, while a run reads it."""
    place, chance = file.place, file.chance
    share = chance.uniform(0.1, 0.9)
    part = content[: int(len(content) * share)]
    acted: list[str] = []

    def act() -> None:
        acted.append(file.event)
        if file.event == "cut while read":
            place.put("budget.csv", part)
        elif file.event == "gone while read":
            place.rename("budget.csv", "away.part")
        else:
            place.put("budget.csv", after, by_rename=chance.random() < 0.5)

    after = file.content() if file.event == "replaced while read" else content
    place.put("budget.csv", content)
    if isinstance(place, SftpPlace):
        file.look()
        file.pass_time()
        place.while_reading(len(content), share, act)
    elif file.event == "broken off":
        place.break_off(share, lambda: acted.append(file.event))
    else:
        place.while_reading(act)
    file.look()
    file.require(len(acted) == 1, "it was not read when something should happen")
    if file.event == "cut while read":
        for _ in range(chance.randint(0, 2)):
            file.look()
        place.put("budget.csv", content)
    elif file.event == "gone while read":
        place.rename("away.part", "budget.csv")
    file.loads.append(after)
    file.rest()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    verdict = Verdict("23 a source's file loads once", options.seed)
    quietly()
    store = tempfile.mkdtemp(prefix="bursar-trial-")
    os.environ |= {
        "BURSAR_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        "BURSAR_SECRETS_KEY": Fernet.generate_key().decode(),
        "BURSAR_FILE_STORE": store,
    }
    chance = random.Random(options.seed)
    sftp, moto = AsyncSsh(), Moto(strict=False)
    front = Front(moto)
    try:
        with database_only() as stack:
            for n in range(options.files):
                place = SftpPlace(sftp) if n % 2 else S3Place(moto, front)
                # Each event as often as the others; the chance is in how it happens.
                event = EVENTS[place.kind][n // 2 % len(EVENTS[place.kind])]
                rows = READ_ROWS if event.endswith(_READ) else ROWS
                file = Watched(verdict, stack, place, event, rows, chance.randrange(1 << 30))
                happen(file)
                file.judge()
                verdict.counts[f"{place.kind} {event}"] += 1
    finally:
        front.stop()
        moto.stop()
        sftp.stop()
        shutil.rmtree(store, ignore_errors=True)
    verdict.close(files=options.files)


if __name__ == "__main__":
    main()
