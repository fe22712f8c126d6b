"""The Celery application. Workers and beat are started on this module; so is Flower."""

from __future__ import annotations

from celery import Celery
from kombu import Queue

from bursar.config import settings
from bursar.jobs.rows import QUEUES
from tasks.doorbell import broker_options

app = Celery("bursar", broker=settings().broker_url or "memory://")
app.conf.update(
    include=[
        *(
            "tasks.imports",
            "tasks.sources",
            "tasks.periods",
            "tasks.alerts",
            "tasks.webhooks",
            "tasks.ledger",
            "tasks.samples",
            "tasks.tick",
        ),
        *("worker.signals", "worker.inspection"),
    ],
    # The job rows are the truth; the broker keeps no results and no schedules.
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_concurrency=settings().worker_processes,
    # Python gives little memory back to the system: a process that grew is replaced after its task.
    worker_max_memory_per_child=250_000,
    worker_soft_shutdown_timeout=20,
    worker_send_task_events=True,
    worker_hijack_root_logger=False,
    worker_consumer="worker.consumer:PromptConsumer",
    task_default_queue="default",
    task_queues=[Queue(name) for name in QUEUES],
    task_create_missing_queues=False,
    broker_transport_options=broker_options(),
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    beat_schedule={
        "tick": {
            "task": "tick",
            "schedule": float(settings().tick_seconds),
            # A tick that waited out an outage is useless: the next one sees the same rows.
            "options": {"expires": settings().tick_seconds * 3, "queue": "default"},
        }
    },
    beat_max_loop_interval=settings().tick_seconds,
    timezone="UTC",
)
