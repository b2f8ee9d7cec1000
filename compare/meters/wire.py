"""Bytes that this machine sends, over all of its network interfaces."""

from pathlib import Path

import numpy as np

from compare.meters.kernel import contents
from compare.spec.experiment import Experiment

_INTERFACES = Path("/proc/self/net/dev")
_SENT = 8  # of an interface's figures


class WireMeter:
    """`start` before a window and `stop` after it. What ranks on this machine send each other goes
    over the loopback interface; what speaks by Unix sockets goes over none."""

    def start(self) -> None:
        self._sent = sent_bytes(contents(_INTERFACES))

    def stop(self) -> int | None:
        """Bytes sent since `start`, headers included; None where the kernel does not tell."""
        sent = sent_bytes(contents(_INTERFACES))
        return None if sent is None or self._sent is None else sent - self._sent


def sent_bytes(table: str) -> int | None:
    """Of all interfaces together, from the text of /proc/net/dev (proc(5)); None without one."""
    figures = [line.partition(":")[2].split() for line in table.splitlines() if ":" in line]
    return sum(int(one[_SENT]) for one in figures) if figures else None


def gradient_bytes(experiment: Experiment) -> int:
    """What one gradient of every parameter holds: float64 in a float64 training, else float32."""
    shapes = [one.shape for one in experiment.model.parameters().values()]
    width = 8 if experiment.train.dtype == "fp64" else 4
    return width * sum(int(np.prod(shape)) for shape in shapes)


def least_bytes(ranks: int, gradient_bytes: int) -> int:
    """What all ranks together have to send to add up their gradients, each of so many bytes:
    2 (N - 1) times that, which rings reach (Patarasu and Yuan 2009, section 3)."""
    return 2 * (ranks - 1) * gradient_bytes
