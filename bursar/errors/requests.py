"""What goes wrong with a request, whatever it asks for."""

from __future__ import annotations

from bursar.errors.families import BursarError, Conflict, InvalidInput


class IdempotencyKeyRequired(BursarError):
    """This call creates something or moves money, so it needs an Idempotency-Key header."""

    code = "idempotency_key_required"


class IdempotencyKeyReused(InvalidInput):
    """This Idempotency-Key was already used with another request."""

    code = "idempotency_key_reused"


class RequestInProgress(Conflict):
    """A request with this Idempotency-Key is still running."""

    code = "request_in_progress"


class VersionRequired(BursarError):
    """An update needs an If-Match header with the version that was read."""

    code = "version_required"


class VersionStale(BursarError):
    """The object has changed since it was read."""

    code = "version_stale"


class InvalidCursor(InvalidInput):
    """The cursor was not issued by this list."""

    code = "invalid_cursor"
