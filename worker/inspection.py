"""What a worker tells of itself to who asks over the broker, as Flower does for its pages."""

from __future__ import annotations

import re
from typing import Any

from celery.worker.control import inspect_command

_LOGIN = re.compile(r"(?<=://)[^/;]*@")


@inspect_command()  # type: ignore[untyped-decorator, unused-ignore]
def stats(state: Any, **_: Any) -> dict[str, Any]:
    """Celery's own answer of this name, but for the broker's password.

    Celery leaves out the field `password`; with Redis the whole address stands in `hostname`.
    """
    told: dict[str, Any] = state.consumer.controller.stats()
    broker = told.get("broker", {})
    broker["hostname"] = without_login(broker.get("hostname"))
    broker["alternates"] = [without_login(url) for url in broker.get("alternates", [])]
    return told


def without_login(url: str | None) -> str | None:
    """An address of a broker, or several, without users and passwords."""
    return _LOGIN.sub("**@", url) if url else url
