"""What others do while a window is timed, caused by real processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from compare.meters.contention import (
    Contention,
    CpuTimes,
    busy_seconds,
    cpu_times,
    cpus_of_others,
    pressure_seconds,
    tree_cpu_seconds,
)
from compare.meters.processes import busy_processes

WITHIN = 0.1  # CPUs
STAT = (
    "cpu  1000 20 300 8000 500 10 20 150 400 0\n"
    "cpu0 600 20 200 3000 300 10 10 100 400 0\n"
    "cpu1 400 0 100 5000 200 0 10 50 0 0\n"
    "intr 3 3 3\n"
)
# Tells the CPU time that it used by its own clock, whenever it is asked.
BUSY = """
import sys, threading, time
def tell():
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
threading.Thread(target=tell, daemon=True).start()
while True:
    pass
"""
# Starts BUSY and ends, so that it is no longer of this process's tree.
DETACHED = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', sys.argv[1], 'compare.worker', '--password=hunter2'])"
)
SPIN = "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until: pass"
linux = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


@contextmanager
def busy_outsider() -> Iterator[subprocess.Popen[str]]:
    """A busy process outside this process's tree: its parent has ended. Yields the pipes to it."""
    starter = subprocess.Popen(
        [sys.executable, "-c", DETACHED, BUSY],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        used(starter)  # it runs
        starter.wait(30)
        yield starter
    finally:
        os.killpg(starter.pid, 9)
        starter.communicate()


def used(busy: subprocess.Popen[str]) -> float:
    assert busy.stdin
    assert busy.stdout
    busy.stdin.write("\n")
    busy.stdin.flush()
    return float(busy.stdout.readline())


def used_by_all_others() -> float:
    """CPU seconds of every process that lives, by its own clock, but this one."""
    total = 0.0
    for pid in psutil.pids():
        try:
            total += time.clock_gettime(~pid << 3 | 2) if pid != os.getpid() else 0.0
        except OSError:
            continue  # it ended
    return total


@linux
@pytest.mark.usefixtures("all_cpus")
def test_what_a_busy_process_takes_is_told_to_a_tenth_of_a_cpu() -> None:
    # Others may run on this machine too: what was caused is then the least that must be told, and
    # what all processes' own clocks say, in a window in which none of them ended, the most.
    meter, right = Contention(), False
    with busy_outsider() as busy:
        for _ in range(10):
            everything, caused, began = used_by_all_others(), used(busy), time.perf_counter()
            meter.start()
            time.sleep(0.6)
            found = meter.stop()
            seconds = time.perf_counter() - began
            caused, everything = used(busy) - caused, used_by_all_others() - everything
            cpus = cpus_of_others(found.others_cpu_seconds, 0.0, seconds)
            assert cpus is not None
            assert cpus > caused / seconds - WITHIN
            assert caused > 0
            right = right or abs(cpus - everything / seconds) <= WITHIN
    assert right


@linux
def test_what_this_process_and_its_children_use_is_not_of_others() -> None:
    meter, cpus = Contention(), len(os.sched_getaffinity(0))
    meter.start()
    began, before = time.perf_counter(), tree_cpu_seconds()
    child = subprocess.Popen([sys.executable, "-c", SPIN.replace("0.3", "30")])
    try:
        while time.perf_counter() < began + 0.8:
            subprocess.run([sys.executable, "-c", SPIN.replace("0.3", "0.1")], check=True)
        own = tree_cpu_seconds() - before
        found, seconds = meter.stop(), time.perf_counter() - began
    finally:
        child.kill()
        child.wait()
    assert own > 0.1  # of those that ended, at least
    assert found.others_cpu_seconds is not None
    assert found.others_cpu_seconds < cpus * seconds - own + WITHIN * seconds


@linux
def test_two_busy_threads_on_one_cpu_wait_for_each_other() -> None:
    code = """
import hashlib, time
from threading import Thread
from compare.meters.contention import Contention
from compare.meters.threads import pin_to
pin_to(1)
data = bytes(1_000_000)  # of this size, hashing needs no interpreter lock
def work():
    for _ in range(2):
        until = time.thread_time() + 0.15
        while time.thread_time() < until:
            hashlib.sha256(data).digest()
        time.sleep(0)
meter = Contention()
meter.start()
other = Thread(target=work)
other.start()
work()
print(meter.stop().queue_seconds)
other.join()
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert float(done.stdout) > 0.1  # of 0.3 s that the main thread alone had to wait, at least


def test_the_conductor_is_not_another() -> None:
    assert cpus_of_others(1.5, 0.5, 2.0) == pytest.approx(0.5)
    assert cpus_of_others(0.1, 0.3, 2.0) == 0.0
    assert cpus_of_others(1.0, None, 2.0) == pytest.approx(0.5)
    assert cpus_of_others(None, 0.5, 2.0) is None


def test_idle_time_is_of_the_cpus_that_may_be_used() -> None:
    assert cpu_times(STAT, [0, 1]) == CpuTimes(2, 85.0, 1.5)
    assert cpu_times(STAT, [1]) == CpuTimes(1, 52.0, 0.5)
    assert cpu_times("", [0]) is None
    assert cpu_times("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n", [0]) is None


def test_busy_is_what_was_neither_idle_nor_stolen() -> None:
    before, after = CpuTimes(2, 85.0, 1.5), CpuTimes(2, 85.5, 1.75)
    assert busy_seconds(before, after, 1.0) == pytest.approx(1.25)
    assert busy_seconds(before, CpuTimes(3, 85.5, 1.75), 1.0) is None
    assert busy_seconds(None, None, 1.0) is None


def test_pressure_is_the_total_of_some() -> None:
    text = (
        "some avg10=21.70 avg60=4.76 avg300=2.24 total=44968571\n"
        "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
    )
    assert pressure_seconds(text) == pytest.approx(44.968571)
    assert pressure_seconds("") is None


@linux
def test_who_else_is_busy_is_told_by_name_alone() -> None:
    with busy_outsider():
        for _ in range(5):  # on a busy machine it may hardly run for a while
            workers = [one for one in busy_processes(0.4) if one.is_worker and one.cpus > 0.05]
            if workers:
                break
    assert workers
    assert "hunter2" not in repr(workers)


@linux
def test_a_process_of_this_one_s_own_is_no_neighbour() -> None:
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert child.pid not in [one.pid for one in busy_processes(0.3)]
    finally:
        child.kill()
        child.wait()
