"""The Celery application: queues, beat, signals. Knows no web."""
