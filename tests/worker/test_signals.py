"""What beat does as soon as it is there."""

from celery import Celery
from celery.beat import Service
from celery.signals import beat_init

import worker.app
from ops.stack.urls import StackUrls
from worker.signals import tick_at_once


def test_what_is_due_is_looked_for_before_a_first_interval_is_over(
    database_urls: StackUrls,
) -> None:
    app = Celery("beginning", broker=database_urls.broker_url)
    app.conf.broker_transport_options = {"global_keyprefix": "beginning:"}
    app.conf.beat_schedule = worker.app.app.conf.beat_schedule
    assert tick_at_once in [receiver() for _, receiver in beat_init.receivers]
    tick_at_once(sender=Service(app))
    with app.connection_for_read() as connection, connection.SimpleQueue("default") as queue:
        message = queue.get(timeout=5)
        assert message.headers["task"] == "tick"
        assert message.headers["expires"] is not None
        message.ack()
