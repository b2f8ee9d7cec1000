"""What a plug-in implements: backends, tasks, report formats and exporters.

The whole of a backend is `Backend` and the `Trainer` that it builds; `docs/adding-a-backend.md`
walks through one. A plug-in need not inherit from these classes, it only has to fit them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from compare.settings import Settings
from compare.spec import Cut, Decoding, Experiment, ModelSpec

if TYPE_CHECKING:  # a worker imports this module, and has no use for what these need
    from compare.records import AnyRecord
    from compare.scaling import SweepSummary
    from compare.stats import Interval
    from compare.summary import Summary
    from compare.text.tokens import Tokenizer

Array = NDArray[Any]
Weights = Mapping[str, Array]
"""Parameters by canonical name, in the shapes of `ModelSpec.parameters()`."""
Batch = Mapping[str, Array]
"""One step's fields by name, see `Experiment`: token ids (batch, time) int32, masks (batch, time)
bool, and `dropout.NAME`, (batch, time, width) bool, for each place that drops values."""
Batches = Mapping[str, Array]
"""Several steps' fields, stacked along a new first axis: (steps, batch, time)."""


class Unsupported(Exception):
    """Raised by an adapter for what it cannot do: the cell is *skipped* with this reason."""


@dataclass(frozen=True)
class Device:
    """A place to compute. `kind` is "cpu", "cuda" or "mps"; `name` is the maker's name for it."""

    kind: str
    index: int = 0
    name: str = ""

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


class Described(Protocol):
    """Optional for a backend: what else of its framework changes how it computes."""

    def details(self) -> dict[str, str]:
        """Such as the compiler flags that it was built with, by name; for the record."""
        ...


class Planned(Protocol):
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


@dataclass(frozen=True)
class Prepared:
    """What a task made of its settings: a model as data, and the arrays to train it on.

    `arrays` by name (flat token arrays and the starts that `splits` refers to); `about`
    describes the data in a report; `floor` is the loss in nats per token that no model can
    beat, where the data's entropy is known.

    A task with a quality of its own also has the `examples` of its validation rows, in their
    order: the text and what is wanted of it; `ceilings`, what the best possible model reaches in
    each metric on them, where the data's own rule is known; and where outputs are text the
    `decoding` that searches for them.

    `quality` judges as `Task.quality` does, in its place, where that hangs on the settings or the
    data, such as on which class is the positive one.

    `tokenizer` turns text into ids and back; it is kept with a run's weights, to generate with.
    """

    model: ModelSpec
    arrays: dict[str, Array]
    splits: dict[str, dict[str, Cut]]
    about: dict[str, str | int | float]
    floor: float | None = None
    examples: "Sequence[Example]" = ()
    ceilings: Mapping[str, float] = field(default_factory=dict)
    quality: "Callable[[Sequence[Any], Sequence[Any], int], Quality] | None" = None
    decoding: Decoding | None = None
    tokenizer: "Tokenizer | None" = None


class Example(NamedTuple):
    """One validation row as its task's metrics see it: an input, and the output that is wanted
    of it, a text or the number of a class."""

    text: str
    wanted: Any


Quality = Mapping[str, "Interval | str"]
"""Metrics by name, each with its 95% interval, or in words why it cannot be given."""


class Task(Protocol):
    """One use of a language model: prepares data, names a model, judges its outputs."""

    name: str
    settings: type[Settings]
    """Every field that a user can set, with the defaults of the preset `small`."""
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """Preset name -> section -> field -> value, laid over the defaults."""
    metrics: tuple[str, ...]
    """Names of the metrics that `quality` computes, for all of which more is better."""

    def prepare(self, settings: Settings) -> Prepared:
        """Read or generate the data; raises UserError for data that cannot be used."""
        ...

    def quality(self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int) -> Quality:
        """Each metric, with its 95% interval, of the outputs for the examples of `prepare`; where
        a metric cannot be given for them, the reason is told in its place.

        An output is a text, or behind a `Pool` the probabilities of the classes, (classes,).
        `resamples` is how often a bootstrap draws; with 0 there are no intervals.
        """
        ...


class Bounded(Protocol):
    """Optional for a task whose metrics end somewhere."""

    best: Mapping[str, float]
    """What a perfect output scores in each metric; a target beyond it is refused."""


class ReportFormat(Protocol):
    """One way of writing a summary. One that draws can also have

        def plots(self, summary: Summary, kind: Literal["png", "svg"]) -> dict[str, bytes]

    each plot as a picture by its name, for `compare report --plots`, and

        def render_history(self, history: History) -> str

    for `compare history --format`.
    """

    name: str
    filename: str | None
    """Name of the file in the run folder; None for a format that is printed on a terminal."""
    by_default: bool
    """Whether every run writes it; the others are made by `compare report --format`."""

    def render(self, summary: "Summary") -> str | bytes:
        """One run: the whole text, or the content of a binary file."""
        ...

    def render_sweep(self, sweep: "SweepSummary") -> str | bytes:
        """A run at each crossing of some settings' values."""
        ...


class Exporter(Protocol):
    """One way of handing a run on to another tool, by `compare export RUN --to NAME`."""

    name: str

    def export(self, summary: "Summary", records: "Sequence[AnyRecord]", target: str) -> str:
        """Write a run to `target`, a folder or an address (empty: the tool's own default), and
        return where it went. Raises UserError where the tool's library is not installed, or
        cannot write there."""
        ...


def as_float(losses: Any) -> NDArray[np.float64]:
    """Losses as the float64 that records hold, whatever array type an adapter returned."""
    return np.asarray(losses, dtype=np.float64).reshape(-1)
