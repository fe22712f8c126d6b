"""What a worker tells of itself to who asks over the broker, as Flower does for its pages."""

from __future__ import annotations

from typing import Any

from celery.worker.control import inspect_command
from kombu.utils.url import maybe_sanitize_url


@inspect_command()  # type: ignore[untyped-decorator, unused-ignore]
def stats(state: Any, **_: Any) -> dict[str, Any]:
    """Celery's own answer of this name, but for the broker's password.

    Celery leaves out the field `password`; with Redis the whole address stands in `hostname`.
    """
    told: dict[str, Any] = state.consumer.controller.stats()
    broker = told.get("broker", {})
    broker["hostname"] = maybe_sanitize_url(broker.get("hostname"))
    broker["alternates"] = [maybe_sanitize_url(url) for url in broker.get("alternates", [])]
    return told
