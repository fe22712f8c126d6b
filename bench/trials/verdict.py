"""How a trial says what came of it, and how it measures a child."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import structlog


@dataclass
class Verdict:
    """What a trial counted, and what broke."""

    name: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def require(self, holds: bool, what: str) -> None:
        """Note `what` as broken unless it holds."""
        if not holds:
            self.broken.append(what)
            print(f"broken: {what}", flush=True)

    def close(self, **figures: object) -> None:
        """Print the outcome, and end the process with 1 when something broke."""
        told = {**self.counts, **figures}
        words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in told.items())
        outcome = "broken" if self.broken else "held"
        print(f"{self.name}: seed {self.seed}; {words}: {outcome}", flush=True)
        sys.exit(1 if self.broken else 0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a child printed last, and what it took."""

    answer: str
    seconds: float
    megabytes: float


_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
took = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
lines = done.stdout.strip().splitlines()
print(json.dumps([lines[-1] if lines else done.stderr[-400:], took, used]))
"""


def measured(*argv: str) -> Measured:
    """Run a command in a process of its own, with its own record of memory."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *argv], capture_output=True, text=True, check=True
    )
    answer, seconds, megabytes = json.loads(done.stdout)
    return Measured(answer, seconds, megabytes)


def quietly() -> None:
    """Keep the log of what the trial does on purpose out of its own words."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def now_seed() -> int:
    """A seed for a run that was not given one."""
    return int(time.time())
