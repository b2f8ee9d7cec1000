"""The memory of a worker's children, held by real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from compare.meters.memory import ChildrenPeak, held_bytes
from compare.meters.window import WindowMeters

HELD = 200_000_000
# Writes to each page, says so, and keeps them until its input ends.
HOLD = f"import sys; held = b'x' * {HELD}; print(flush=True); sys.stdin.read()"
GRANDCHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


@contextmanager
def holding(code: str = HOLD) -> Iterator[int]:
    """A process that holds so much, and its id; gone at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        child.stdout.readline()
        yield child.pid
        child.communicate()


def test_what_a_child_holds_is_in_the_peak_of_a_window() -> None:
    meters = WindowMeters()
    with holding():
        meters.start()
        found = meters.stop(0.1)
    assert HELD < found["children_peak_bytes"] < HELD + 50_000_000
    meters.start()
    assert meters.stop(0.1)["children_peak_bytes"] == 0  # it is gone


def test_a_child_that_comes_and_goes_within_a_window_is_seen() -> None:
    peak = ChildrenPeak()
    peak.start()
    with holding():
        time.sleep(3)  # a look at so much may cost a pause of a second
    assert peak.stop() > HELD


def test_a_child_s_child_counts_and_several_are_added_up() -> None:
    peak = ChildrenPeak()
    with holding(), holding(GRANDCHILD):
        peak.start()
        assert peak.stop() > 2 * HELD


def test_exit_codes_of_children_are_left_to_those_who_started_them() -> None:
    peak = ChildrenPeak()
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    peak.start()
    time.sleep(0.3)
    peak.stop()
    assert child.wait(30) == 3


def test_a_process_that_has_ended_holds_nothing() -> None:
    with holding() as pid:
        assert held_bytes(pid) > HELD
    assert held_bytes(pid) == 0
    assert held_bytes(os.getpid()) > 1_000_000
