"""Sending events to endpoints."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from bursar.database import database
from bursar.jobs.rows import Bell
from bursar.webhooks import deliveries
from tasks.doorbell import ring

_KIND = "webhooks.deliver"


@shared_task(name=_KIND)
def deliver(tenant_id: str, delivery_id: str) -> None:
    """Send a delivery if it is due. Its row is the truth, so a second call does nothing."""
    deliveries.deliver(database(), UUID(tenant_id), UUID(delivery_id))


def ring_delivery(tenant_id: UUID, delivery_id: UUID) -> None:
    """Tell a worker of a delivery; where that is lost, the next tick tells it again."""
    ring(Bell(tenant_id, delivery_id, _KIND, "webhooks"))
