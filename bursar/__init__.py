"""The rules of Bursar: money, periods, importing, ledger, jobs. Knows neither Flask nor Celery."""

__version__ = "0.1.0"
