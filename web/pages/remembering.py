"""What is costly to read and many look at: read once in a while for all of a tenant."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

_MOST = 1_000  # tenants that a web process remembers


class Remembering:
    """Answers by tenant, none of them older than some seconds.

    Of several who ask at once for what is not known, one reads it and the others wait.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._locks: dict[UUID, threading.Lock] = {}
        self._known: dict[UUID, tuple[float, Any]] = {}

    def of(self, tenant_id: UUID, read: Callable[[], Any]) -> Any:
        """What is known of a tenant, or what `read` says now."""
        with self._lock:
            if len(self._locks) > _MOST:
                self._locks.clear()
                self._known.clear()
            lock = self._locks.setdefault(tenant_id, threading.Lock())
        with lock:
            known = self._known.get(tenant_id)
            if known is not None and known[0] > time.monotonic():
                return known[1]
            # Counted from before the reading: it is as old as that.
            until = time.monotonic() + self._seconds
            answer = read()
            self._known[tenant_id] = (until, answer)
            return answer

    def forget(self, tenant_id: UUID) -> None:
        """Read anew the next time, because somebody here has changed something."""
        with self._lock:
            self._known.pop(tenant_id, None)
