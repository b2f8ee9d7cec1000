"""What a worker is seen to do in a window, each case in a process of its own."""

import json
import subprocess
import sys
from typing import Any

import pytest

from compare.meters.activity import mean_mhz, steal_seconds

CPU_SECONDS = 0.2
CASE = f"""
import hashlib, json, time
from threading import Barrier, Thread
from compare.meters.activity import Activity
from compare.meters.threads import pin_to

def work(*barriers):
    data = bytes(1_000_000)  # of this size, hashing needs no interpreter lock
    while time.thread_time() < {CPU_SECONDS}:
        hashlib.sha256(data).digest()
    for barrier in barriers:
        barrier.wait()

def in_threads(count):
    barriers = Barrier(count + 1), Barrier(count + 1)
    for _ in range(count):
        Thread(target=work, args=barriers, daemon=True).start()
    barriers[0].wait()  # all are done, and none has ended

activity = Activity()
activity.start()
began = time.perf_counter()
ACT
seconds = time.perf_counter() - began
print(json.dumps({{"seconds": seconds, **activity.stop(seconds)._asdict()}}))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="the system does not list threads")


def activity_of(act: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", CASE.replace("ACT", act)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_cpu_time_is_of_all_threads() -> None:
    found = activity_of("in_threads(3)")
    assert 3 * CPU_SECONDS <= found["cpu_seconds"] < 3 * CPU_SECONDS + found["seconds"]


@linux
@pytest.mark.parametrize(("act", "busy"), [("work()", 1), ("in_threads(2)", 2)])
def test_threads_that_compute_are_busy_and_those_that_wait_are_not(act: str, busy: int) -> None:
    assert activity_of(act)["busy_threads"] == busy


def test_a_process_that_sleeps_is_not_busy_and_waits_of_its_own_will() -> None:
    found = activity_of("time.sleep(0.3)")
    assert found["busy_threads"] in (0, None)
    assert found["cpu_seconds"] < found["seconds"] / 2
    assert found["voluntary_switches"] >= 1


@linux
def test_threads_that_share_a_cpu_are_switched_against_their_will() -> None:
    # Two threads with 0.2 s of work each, in turns of some milliseconds; the main thread, which
    # only waits for them, is seldom switched.
    assert activity_of("pin_to(1); in_threads(2)")["involuntary_switches"] >= 10


def test_stolen_time_is_the_eighth_figure_of_the_first_line() -> None:
    stat = "cpu  18985 7 5244 77645 442 3 43 250 9 1\ncpu0 4983 0 1394 44687 84 0 12 15 0 0\n"
    assert steal_seconds(stat, [0]) == pytest.approx(2.5)  # ticks of 10 ms
    assert steal_seconds("cpu  18985 7 5244 77645\nintr 3 3 3 3 3\n", [0]) is None
    assert steal_seconds("", [0]) is None
    two = f"{stat}cpu1 4983 0 1394 44687 84 0 12 235 0 0\n"
    assert steal_seconds(two, [1]) == pytest.approx(2.35)  # of the CPUs that may be used


def test_the_clock_is_the_mean_over_the_cpus_that_may_be_used() -> None:
    cpuinfo = "".join(
        f"processor\t: {cpu}\ncpu MHz\t\t: {mhz}\nflags\t\t: fpu aperfmperf sse2\n\n"
        for cpu, mhz in enumerate(("3000.000", "2000.500", "800.000"))
    )
    assert mean_mhz(cpuinfo, [0, 1]) == pytest.approx(2500.25)
    constant = cpuinfo.replace(" aperfmperf", "")  # the rate of a counter, not of the clock
    assert mean_mhz(constant, [0, 1]) is None
    assert mean_mhz("", [0]) is None
