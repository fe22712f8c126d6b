"""Structured logs: one JSON object a line, with request and job ids, and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from bursar.config import settings

# Whatever slips into a log line: keys of Bursar, passwords in URLs, bearer headers.
_SECRETS = (
    (re.compile(r"bursar_[0-9a-f]{32}_[A-Za-z0-9_-]{43}"), "bursar_***"),
    (re.compile(r"(://[^:/@\s]*:)[^@/\s]+@"), r"\1***@"),
    (re.compile(r"(?i)(bearer\s+)\S+"), r"\1***"),
    (re.compile(r"(?i)(password=)\S+"), r"\1***"),
)


def mask(text: str) -> str:
    """The text with every secret that has a known shape replaced by stars."""
    for pattern, stars in _SECRETS:
        text = pattern.sub(stars, text)
    return text


def _mask_event(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = mask(value)
    return event


def configure() -> None:
    """Send all logging of this process, ours and the libraries', to stderr as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_event,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # first: what nobody reads costs next to nothing
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level)
    logging.getLogger("httpx").setLevel("WARNING")
