"""The assignment is the best one over all columns."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from bursar.importing.recognising.assigning import assign

scores = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(-3, 9).map(float), min_size=width, max_size=width),
        min_size=1,
        max_size=4,
    )
)


@given(scores)
def test_no_other_assignment_scores_more(table):
    def worth(picks):
        return sum(table[i][j] for i, j in enumerate(picks) if j is not None)

    width = len(table[0])
    places = [*range(width), *[None] * len(table)]
    best = max(worth(picks) for picks in permutations(places, len(table)))
    found = assign(table)
    taken = [j for j in found if j is not None]
    assert len(taken) == len(set(taken))
    assert abs(worth(found) - best) < 1e-9
