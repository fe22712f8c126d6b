"""The hash of an entry as `ledger_entry_hash` of the database makes it, for proofs without one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_SEPARATOR = "\x1f"
_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def entry_hash(previous: bytes, tenant_id: str, entry: Mapping[str, Any]) -> bytes:
    """What the hash of an entry must be after the hash before it (empty for the first).

    `entry` holds texts as an evidence pack does: amounts with four decimals, times in ISO 8601.
    Raises KeyError, ValueError, TypeError for what is no entry.
    """
    content = _SEPARATOR.join(
        (
            tenant_id, entry["account_id"], str(entry["seq"]), entry["kind"], entry["from_bucket"],
            entry["to_bucket"], entry["amount"], entry["ref_type"] or "", entry["ref_id"] or "",
            entry["import_id"] or "", entry["actor"], entry["reason"] or "",
            _epoch(entry["effective_at"]), _epoch(entry["recorded_at"]),
        )
    )  # fmt: skip
    return hashlib.sha256(previous + content.encode()).digest()


def _epoch(moment: str) -> str:
    """Seconds since 1970 with six decimals, without a float in between."""
    microseconds = (datetime.fromisoformat(moment) - _START) // _MICROSECOND
    sign = "-" if microseconds < 0 else ""
    return f"{sign}{abs(microseconds) // 1_000_000}.{abs(microseconds) % 1_000_000:06d}"
