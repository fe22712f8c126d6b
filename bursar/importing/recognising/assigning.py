"""One best assignment of columns to fields, over all of them at once."""

from __future__ import annotations

from collections.abc import Sequence


def assign(scores: Sequence[Sequence[float]]) -> list[int | None]:
    """For each row (a field) the column that makes the total score largest, or None.

    The Hungarian method with potentials, O(fields² · columns). Every field may also stay
    without a column at score 0, so negative scores are never taken.
    """
    rows = len(scores)
    if not rows:
        return []
    width = len(scores[0])
    columns = width + rows  # a private empty column for each row
    cost = [[-s for s in row] + [0.0] * rows for row in scores]
    infinity = float("inf")
    u = [0.0] * (rows + 1)
    v = [0.0] * (columns + 1)
    owner = [0] * (columns + 1)
    way = [0] * (columns + 1)
    for i in range(1, rows + 1):
        owner[0] = i
        at = 0
        least = [infinity] * (columns + 1)
        used = [False] * (columns + 1)
        while owner[at]:
            used[at] = True
            nearest = _relax(cost[owner[at] - 1], u[owner[at]], v, at, used, least, way)
            delta = least[nearest]
            for j in range(columns + 1):
                if used[j]:
                    u[owner[j]] += delta
                    v[j] -= delta
                else:
                    least[j] -= delta
            at = nearest
        while at:
            owner[at] = owner[way[at]]
            at = way[at]
    found: list[int | None] = [None] * rows
    for j in range(1, width + 1):
        if owner[j] and scores[owner[j] - 1][j - 1] > 0:
            found[owner[j] - 1] = j - 1
    return found


def _relax(  # the inner loop of one algorithm; a class would hide it
    costs: Sequence[float],
    base: float,
    v: Sequence[float],
    at: int,
    used: Sequence[bool],
    least: list[float],
    way: list[int],
) -> int:
    """Shorten the ways over column `at`; the nearest column that is not used yet."""
    delta, nearest = float("inf"), 0
    for j in range(1, len(least)):
        if used[j]:
            continue
        reduced = costs[j - 1] - base - v[j]
        if reduced < least[j]:
            least[j], way[j] = reduced, at
        if least[j] < delta:
            delta, nearest = least[j], j
    return nearest
