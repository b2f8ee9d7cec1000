"""What a plug-in implements: backends, tasks, report formats and exporters.

The whole of a backend is `Backend` and the `Trainer` that it builds; `docs/adding-a-backend.md`
walks through one. A plug-in need not inherit from these classes, it only has to fit them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from compare.spec.arrays import Array, Batch, Batches, Weights
from compare.spec.experiment import Experiment

if TYPE_CHECKING:  # a worker imports this module, and has no use for what these need
    pass


class Unsupported(Exception):
    """Raised by an adapter for what it cannot do: the cell is *skipped* with this reason."""


@dataclass(frozen=True)
class Device:
    """A place to compute. `kind` is "cpu", "cuda" or "mps"; `name` is the maker's name for it, and
    `driver` the version of what drives it, where the framework tells."""

    kind: str
    index: int = 0
    name: str = ""
    memory_bytes: int | None = None
    driver: str = ""

    @property
    def label(self) -> str:
        """How the command line writes it: "cpu", "mps", "cuda:0"."""
        return f"{self.kind}:{self.index}" if self.kind == "cuda" else self.kind


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes the framework's allocator held on the device at its peak; None if it cannot tell."""

    peak_bytes: int | None = None


@dataclass(frozen=True)
class CompilerPlan:
    """What a framework's compiler says of one training step: the bytes that it will hold at once
    (arguments, results and what is in between) and the FLOPs that it counts."""

    memory_bytes: int | None = None
    flops: float | None = None


class Backend(Protocol):
    """One framework. Importing the module that defines it must not import the framework."""

    name: str
    modes: tuple[str, ...]
    """Labelled ways of running, such as ("eager", "compile"); the first is the default."""
    oracle: bool
    """True for an implementation that others are checked against, not raced by default."""

    def open(self, mode: str, threads: int) -> None:
        """Import the framework, set up for `mode` and for `threads` CPU threads.

        Called once, first, in a fresh process. Raises ImportError where the framework is not
        installed and Unsupported where the mode cannot run here.
        """
        ...

    def versions(self) -> dict[str, str]:
        """Versions of the libraries that compute, by distribution name."""
        ...

    def devices(self) -> list[Device]:
        """The devices that the framework can use in this process."""
        ...

    def build(self, experiment: Experiment, device: Device) -> "Trainer":
        """A trainer for the experiment; raises Unsupported("gru") for what is not there."""
        ...


class HasDetails(Protocol):
    """Optional for a backend: what else of its framework changes how it computes."""

    def details(self) -> dict[str, str]:
        """Such as the compiler flags that it was built with, by name; for the record.

        A mode that compiles can tell as "compiled" how often it has: `compare check-backend` wants
        the number to rise, since a compiler that gives up says so nowhere else.
        """
        ...


class HasProduct(Protocol):
    """Optional for a backend: its framework's own matrix product, to be held against what the
    machine can do."""

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        """What multiplies the float32 matrices left (n, n) and right (n, n), which lie on the
        device already: each call computes left @ right, and returns when that is there."""
        ...


class HasCompilerPlan(Protocol):
    """Optional for a trainer whose framework compiles whole steps."""

    def compiler_plan(self, batch: Batch) -> CompilerPlan:
        """Of a training step on this batch; may compile it anew, and changes nothing."""
        ...


class Trainer(Protocol):
    """One model, its optimiser and its carried state, living on one device."""

    def load(self, weights: Weights) -> None:
        """Take these weights; clear the optimiser's moments and the carried state."""
        ...

    def weights(self) -> Weights:
        """The inverse of `load`, exactly."""
        ...

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        """One optimiser step per batch; the loss of each step, (steps,).

        Returns after the last update has finished on the device: a window is timed around
        this one call. All batches of a call are of one width, which may differ from the last
        call's where texts of like length share a batch.
        """
        ...

    def gradients(self, batch: Batch) -> Weights:
        """Gradient of the loss for every parameter, from a zero recurrent state.

        Dropout is applied where the batch has a mask for it, and nowhere else. Changes nothing:
        neither weights, nor moments, nor the carried state.
        """
        ...

    def logits(self, batch: Batch) -> Array:
        """Logits (batch, time, vocab) from a zero recurrent state; changes nothing.

        The batch may be of any size and length. It has no dropout masks.
        """
        ...

    def memory(self) -> DeviceMemory:
        """The allocator's peak on the device since the last call of `train` began."""
        ...
