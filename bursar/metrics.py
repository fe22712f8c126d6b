"""What is counted, for Prometheus. Labels never name a tenant or a person."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import Counter, Histogram

CHECKS = Counter("bursar_budget_check_requests", "Budget checks by decision.", ["decision"])
CHECK_SECONDS = Histogram(
    "bursar_budget_check_duration_seconds",
    "Time to answer a budget check.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
REQUESTS = Counter(
    "bursar_http_requests", "HTTP requests by route and status.", ["route", "status"]
)
REQUEST_SECONDS = Histogram(
    "bursar_http_request_duration_seconds",
    "Time to answer an HTTP request.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
UPLOADS = Counter("bursar_file_kind_detected", "Analysed files by detected kind.", ["kind"])


@dataclass
class Seen:
    """What became of a timed check."""

    decision: str = "error"


@contextmanager
def timed_check() -> Iterator[Seen]:
    """Count and time one budget check."""
    seen, start = Seen(), time.perf_counter()
    try:
        yield seen
    finally:
        CHECKS.labels(seen.decision).inc()
        CHECK_SECONDS.observe(time.perf_counter() - start)
