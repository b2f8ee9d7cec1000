"""Tests that share something run in one process: what groups them and what runs them must fit."""

import os

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="all tests run in one process")
def test_tests_of_a_group_are_known_by_it(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@one")
