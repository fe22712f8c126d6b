"""Handing work over to the workers."""

from __future__ import annotations

from bursar.jobs.rows import Bell
from tasks import doorbell


def announce(bell: Bell) -> None:
    """Ring for a job whose row is committed. A missing broker only delays it."""
    doorbell.ring(bell)
