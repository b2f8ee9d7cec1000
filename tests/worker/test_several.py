"""Conversations with several workers at once."""

import subprocess
import sys
import time
from functools import partial
from threading import Event

import pytest

from compare import interrupts
from compare.worker.several import several


def test_answers_come_in_the_order_of_the_jobs() -> None:
    second = Event()

    def waits() -> int:
        assert second.wait(30)  # the jobs are under way together
        return 1

    def goes_on() -> int:
        second.set()
        return 2

    assert several([waits, goes_on, lambda: 3], 2) == [1, 2, 3]


def test_where_one_raises_the_processes_of_all_end() -> None:
    sleeping = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    interrupts.process_groups.add(sleeping.pid)

    def waits() -> int:
        return sleeping.wait()

    begun = list[int]()

    def raises() -> int:
        raise KeyError("planted")

    jobs = [waits, raises, *(partial(_begin, begun, number) for number in range(4))]
    try:
        with pytest.raises(KeyError, match="planted"):
            several(jobs, 2)
        assert sleeping.poll() == -9
        assert len(begun) < 4  # what had not begun never did
    finally:
        sleeping.kill()
        interrupts.process_groups.discard(sleeping.pid)


def _begin(begun: list[int], number: int) -> int:
    begun.append(number)
    time.sleep(1)
    return number
