"""The worker's connection to the broker, back within seconds after an outage."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer

LONGEST_PAUSE_SECONDS = 3


class PromptConsumer(Consumer):  # type: ignore[misc, unused-ignore]
    """Celery's consumer, but it tries again every few seconds.

    Celery lets the pause grow to half a minute, and work that came in during an outage would wait
    that much longer.
    """

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, trying for as long as it takes."""
        if not self.app.conf.broker_connection_retry:
            return super().ensure_connected(conn)
        ensure = conn.ensure_connection

        def promptly(*args: Any, **options: Any) -> Any:
            options.update(interval_start=1, interval_step=1, interval_max=LONGEST_PAUSE_SECONDS)
            return ensure(*args, **options)

        conn.ensure_connection = promptly
        return super().ensure_connected(conn)
