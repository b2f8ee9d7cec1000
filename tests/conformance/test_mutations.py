"""A sample of small mistakes in the reference, each of which the kit has to catch and to name.

`python tests/conformance/mutations.py BACKEND` plays as many as one likes.
"""

import pytest
from mutations import is_equivalent, play, sampled


@pytest.mark.slow
def test_small_mistakes_are_caught_and_named() -> None:
    played = list(play("reference", sampled("reference", 20, seed=3)))
    different = [one for one in played if not is_equivalent(one[0])]
    survived = [mutation for mutation, caught, _, _ in different if not caught]
    assert survived == []
    named = [mutation for mutation, _, is_named, _ in different if is_named]
    assert len(named) >= 0.9 * len(different)


@pytest.mark.parametrize(
    ("scope", "what", "named"),
    [
        ("Optimizer.update", "-> direction + self._decay(", "where that is 0, nothing moves"),
        ("Optimizer._clipped", "constant: 1.0 -> 1.001", "optimizer: clipping at times: one norm"),
        ("cross_entropy", "* valid).sum -> ", "the loss that train() returns of a step is the sum"),
    ],
)
def test_a_small_mistake_is_named_first(scope: str, what: str, named: str) -> None:
    mutations = [
        one
        for one in sampled("reference", 10_000, seed=0)
        if one.scope == scope and what in one.what
    ]
    told = [told for _, caught, _, told in play("reference", mutations[:2]) if caught]
    assert told  # one of two may change nothing: what a norm of 0 is multiplied by
    assert all(named in one for one in told), told
