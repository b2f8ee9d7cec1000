"""Runs on a fake clock: cells of known speed on a machine that drifts, stalls and is shared."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from compare.findings.speed import Place
from compare.stats.intervals import Timing

Series = NDArray[np.float64]
Random = np.random.Generator

TOKENS = 1000
LOCAL_NOISE = 0.02  # of each window by itself
PROCESS_LUCK = 0.02  # of each process, the same in all of its windows


def steady(random: Random, slots: int) -> Series:
    return np.ones(slots)


def linear_drift(random: Random, slots: int) -> Series:
    """Half as slow again at the end: a machine that heats up."""
    return np.linspace(1.0, 1.5, slots)


def wandering(random: Random, slots: int) -> Series:
    """A random walk of 2% a window: neighbours that come and go."""
    return np.exp(np.cumsum(random.normal(0, 0.02, slots)))


def spikes(random: Random, slots: int) -> Series:
    """One window in ten takes up to twice as long: something else ran."""
    hit = random.random(slots) < 0.1
    return 1 + hit * random.uniform(0, 1, slots)


def two_speeds(random: Random, slots: int) -> Series:
    """A clock that changes between two speeds, 20% apart, and stays there for a while."""
    changes = random.random(slots) < 0.1
    return np.where(np.cumsum(changes) % 2, 1.2, 1.0)


def everything(random: Random, slots: int) -> Series:
    found = np.ones(slots)
    for machine in (linear_drift, wandering, spikes, two_speeds):
        found = found * machine(random, slots)
    return found


MACHINES: Mapping[str, Callable[[Random, int], Series]] = {
    "steady": steady,
    "linear drift": linear_drift,
    "wandering": wandering,
    "spikes": spikes,
    "two speeds": two_speeds,
    "everything": everything,
}


def lockstep(
    random: Random, machine: str, seconds: Mapping[str, float], windows: int
) -> dict[str, dict[Place, Timing]]:
    """Windows of cells that take `seconds` on the machine at its best, in shuffled order."""
    slow = MACHINES[machine](random, windows * len(seconds))
    found: dict[str, dict[Place, Timing]] = {name: {} for name in seconds}
    for index in range(windows):
        order = random.permutation(list(seconds))
        for slot, name in enumerate(order, index * len(seconds)):
            took = seconds[name] * slow[slot] * np.exp(random.normal(0, LOCAL_NOISE))
            found[name][1, index] = Timing(TOKENS, float(took))
    return found


def in_processes(
    random: Random, seconds: Mapping[str, float], rounds: int, windows: int
) -> dict[str, dict[Place, Timing]]:
    """Windows of a few rounds on a steady machine, where each process has its luck."""
    found: dict[str, dict[Place, Timing]] = {name: {} for name in seconds}
    for number in range(1, rounds + 1):
        for name, pace in seconds.items():
            lucky = pace * np.exp(random.normal(0, PROCESS_LUCK))
            for index in range(windows):
                took = lucky * np.exp(random.normal(0, LOCAL_NOISE))
                found[name][number, index] = Timing(TOKENS, float(took))
    return found


def shared(
    random: Random, seconds: Mapping[str, float], windows: int
) -> dict[str, list[tuple[Timing, float]]]:
    """Windows of cells, with the CPUs that others used: somebody comes, stays for a while and goes,
    and meanwhile a window takes up to 30 times as long, in one cell more than in another."""
    changes = random.random(windows * len(seconds)) < 0.12
    there = np.cumsum(changes) % 2 == 1
    found: dict[str, list[tuple[Timing, float]]] = {name: [] for name in seconds}
    luck = {name: np.exp(random.normal(0, PROCESS_LUCK)) for name in seconds}
    for index in range(windows):
        order = random.permutation(list(seconds))
        for slot, name in enumerate(order, index * len(seconds)):
            took = seconds[name] * luck[name] * np.exp(random.normal(0, LOCAL_NOISE))
            cpus = random.uniform(0.5, 2.0) if there[slot] else random.uniform(0.0, 0.05)
            if there[slot]:
                took *= random.uniform(1.5, 3.0 if name == "a" else 30.0)
            found[name].append((Timing(TOKENS, float(took)), cpus))
    return found


def one_after_the_other(
    random: Random, machine: str, seconds: Mapping[str, float], windows: int
) -> dict[str, dict[Place, Timing]]:
    """The same without lockstep: all windows of one cell, then all of the next."""
    slow = MACHINES[machine](random, windows * len(seconds))
    found: dict[str, dict[Place, Timing]] = {name: {} for name in seconds}
    for slot, took in enumerate(slow):
        name = list(seconds)[slot // windows]
        took *= seconds[name] * np.exp(random.normal(0, LOCAL_NOISE))
        found[name][1, slot % windows] = Timing(TOKENS, float(took))
    return found
