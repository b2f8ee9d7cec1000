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
