"""What a task implements: data, a model as data, and how outputs are judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from compare.spec.arrays import Array
from compare.spec.batches import Cut, Decoding
from compare.spec.model import ModelSpec
from compare.spec.settings import Settings

if TYPE_CHECKING:  # a worker imports this module, and has no use for what these need
    from compare.stats.intervals import Interval
    from compare.text.tokens import Tokenizer


@dataclass(frozen=True)
class Prepared:
    """What a task made of its settings: a model as data, and the arrays to train it on.

    `arrays` by name (flat token arrays and the starts that `splits` refers to); `about`
    describes the data in a report, which of `validation_tokens` that are judged, the
    `validation_bytes` of text that they stand for and the `unknown_bytes` of those that are `<unk>`
    makes bits per byte; `floor` is the loss in nats per token that no model can beat, where the
    data's entropy is known.

    A task with a quality of its own also has the `examples` of its validation rows, in their
    order: the text and what is wanted of it; `ceilings`, what the best possible model reaches in
    each metric on them, where the data's own rule is known; and where outputs are text the
    `decoding` that searches for them.

    `quality` judges as `Task.quality` does, in its place, where that hangs on the settings or the
    data, such as on which class is the positive one.

    `tokenizer` turns text into ids and back; it is kept with a run's weights, to generate with.

    Where examples have a `group`, `positive` is the class whose share is held against the other
    groups'; the split "twins" has, in the examples' order, the same texts of the other group, of
    which `twins` says which are to be counted: not those that were trained on.

    Where the training labels are biased on purpose, `biased` has the examples' labels with that
    bias, and `best_learner` what the best learner of the training labels comes to: "selection" and
    "tpr", first less second group over the twins that count, "accuracy" and "biased_accuracy".

    A text to model whose groups are known has `twin_texts`, to ask how likely each is.

    Answers that explanations have to find, where they are known: `rule` is what a generated
    classifier's labels were drawn by; `alignment` tells of a source text, for each word of what is
    wanted, the number of the word that it stands for; `marked` which words of a text people marked
    as the reason of its label.
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
    positive: int = 1
    twins: Sequence[bool] = ()
    biased: Sequence[Any] = ()
    best_learner: Mapping[str, float] = field(default_factory=dict)
    twin_texts: "TwinTexts | None" = None
    rule: "Rule | None" = None
    alignment: Callable[[str], Sequence[int]] | None = None
    marked: Callable[[str], Sequence[bool]] | None = None


class Rule(NamedTuple):
    """The rule of generated data of two classes, of any text and of what is left of one.

    `log_odds` is of class 1 against class 0; `shares` its exact Shapley values by word, `people`
    which words say whom the text speaks of, which have a part in it only where training labels are
    biased; words stand between spaces.
    """

    log_odds: Callable[[str], float]
    shares: Callable[[str], Sequence[float]]
    people: Callable[[str], Sequence[bool]]


class TwinTexts(NamedTuple):
    """Texts of two groups, of which each pair differs in whom it speaks of alone; none was trained
    on. `log_ratio` is that of both groups' numbers in the training text: how much likelier, in
    nats, a model that is right finds the first of a pair."""

    first: str
    second: str
    pairs: Sequence[tuple[str, str]]
    log_ratio: float


class Example(NamedTuple):
    """One validation row as its task's metrics see it: an input, and the output that is wanted
    of it, a text or the number of a class; and the group that it speaks of, where that is known."""

    text: str
    wanted: Any
    group: str = ""


def class_names(about: Mapping[str, Any], count: int) -> list[str]:
    """The names of a classifier's classes, of `Prepared.about`; their numbers where it has no such
    names for each, since a name may have a comma in it."""
    names = str(about.get("classes", "")).split(", ")
    return names if len(names) == count else [str(number) for number in range(count)]


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
