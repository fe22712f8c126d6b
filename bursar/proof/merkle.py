"""A root over many heads, and the few hashes that show that one head is under it.

Leaves and nodes are hashed with different first bytes, so that none can stand in for the other; a
node without a neighbour moves up as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

# The hash beside one's own on each level, and whether it stands to the left.
Path = list[tuple[bool, bytes]]
EMPTY = hashlib.sha256(b"").digest()


def leaf(account_id: UUID, seq: int, head_hash: bytes) -> bytes:
    """The hash of one account's head."""
    return hashlib.sha256(b"\0" + account_id.bytes + seq.to_bytes(8, "big") + head_hash).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The one hash over all leaves, in their order."""
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else EMPTY


def path(leaves: Sequence[bytes], index: int) -> Path:
    """What leads from the leaf at `index` to the root."""
    level, found = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            found.append((beside < index, level[beside]))
        level, index = _above(level), index // 2
    return found


def climb(start: bytes, steps: Path) -> bytes:
    """The root that a leaf and its path lead to."""
    here = start
    for is_left, beside in steps:
        here = _node(beside, here) if is_left else _node(here, beside)
    return here


def _above(level: list[bytes]) -> list[bytes]:
    made = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
    return made + level[-1:] if len(level) % 2 else made


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
