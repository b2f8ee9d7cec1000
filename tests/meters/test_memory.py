"""The memory of a worker's children, held by real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from compare.errors import UserError
from compare.meters.memory import ChildrenPeak, held_bytes, require_memory, usable_bytes
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


def test_memory_is_what_the_control_group_grants_where_that_is_less(tmp_path: Path) -> None:
    whole = usable_bytes(tmp_path)
    assert whole >= psutil.virtual_memory().total
    for name, limit in (("memory.max", "max"), ("memory.limit_in_bytes", str(2**62))):
        (tmp_path / name).write_text(f"{limit}\n")
    assert usable_bytes(tmp_path) == whole
    (tmp_path / "memory").mkdir()
    for folder in (tmp_path, tmp_path / "memory"):  # of either version
        (folder / "memory.max").write_text("1000000\n")
    assert usable_bytes(tmp_path) == 1_000_000
    with pytest.raises(UserError, match=r"^such weights take 8\.0 GB of memory, and there are 0"):
        require_memory(8 * 10**9, "such weights", tmp_path)
