"""The explanations of a run's texts, and figures over all of them, as they are kept in its folder.

explanations.jsonl   a method's scores of one text by one model
explanations.json    figures over all texts
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from compare.errors import UserError
from compare.records.place import write_whole
from compare.records.values import Estimate, Record

LINES, FIGURES = "explanations.jsonl", "explanations.json"

METHODS = (
    "gradient", "integrated", "occlusion", "shapley", "surrogate", "rollout", "attention",
)  # fmt: skip
"""Ways to share an answer out among tokens, see `compare.explain.explaining`"""

Of = Literal["backend", "echo", "seed", "initial", "shuffled"]
"""A model that a backend trained; the same, rounded otherwise; from another seed; not trained;
trained on labels that have nothing to do with the texts"""


class Explanation(Record):
    """One method's scores of one text's tokens by one model, in nats. `asked` says in words what is
    explained; `value` is that of the text, `baseline` that of no text, `gap` what the scores lack
    of the one less the other, where a method has to add up."""

    model: str
    of: Of
    backend: str
    mode: str
    example: int
    asked: str
    method: str
    tokens: list[str]
    scores: list[float]
    value: float
    baseline: float | None
    gap: float | None


class Agreed(BaseModel):
    """How alike two models explain, by one method; see `compare.explain.agreement.Agreement`."""

    method: str
    first: str
    second: str
    rank: Estimate
    top: Estimate
    sign: Estimate


class Right(BaseModel):
    """How right one model's explanations are, by one method, where the answer is known; see
    `compare.explain.truth.Rightness`."""

    method: str
    model: str
    precision: Estimate | None
    chance: float
    average_precision: Estimate | None
    auroc: Estimate | None
    mass: Estimate | None
    people: Estimate | None
    people_true: Estimate | None = None
    rank: Estimate | None


class Faithful(BaseModel):
    """How faithful they are to the model; see `compare.explain.faithfulness.Faithfulness`."""

    method: str
    model: str
    comprehensiveness: Estimate | None
    sufficiency: Estimate | None
    deletion: Estimate | None
    insertion: Estimate | None
    infidelity: Estimate | None
    curve: list[float]
    random: list[float]
    rule: list[float] | None


class Inside(BaseModel):
    """One array inside one model, weights or a layer's output over the texts: a histogram of
    `counts` between `edges`, the share of exact zeros, that of values beyond 0.99 where they come
    from tanh (`saturated`), and of units that are the same everywhere (`dead`); of weights the
    Euclidean norm (`norms`) after so many `steps` of training: before it, at each look that the run
    took for a target, and at its end."""

    model: str
    name: str
    what: Literal["weights", "activations"]
    edges: list[float]
    counts: list[int]
    mean: float
    deviation: float
    zeros: float
    saturated: float | None
    dead: float | None
    norms: list[float] | None = None
    steps: list[int] | None = None


class AttentionMap(BaseModel):
    """What one head looks at in one text: `weights` (looking, tokens), a row for each token that
    looks, or for each place of what a decoder writes. `gap` is the largest difference between the
    layer's output and what its maps make of its input, over the largest value.
    """

    model: str
    block: str
    head: int
    example: int
    looking: list[str]
    tokens: list[str]
    weights: list[list[float]]
    gap: float


class Explained(BaseModel):
    """`function` says in words what is explained; `models` are labels and what they are of; `known`
    is where an answer that explanations have to find comes from, if there is one: the rule that
    labels were drawn by, the grammar of a translation, or the marks of people; `failed` are those
    backends that could not be asked to the end.

    `largest_gap` has, of each method whose scores have to add up, the largest gap of a text over
    the largest of what there is to explain.
    """

    run: str
    task: str
    preset: str
    command: list[str]
    suite_version: str
    function: str
    examples: int
    methods: list[str]
    models: dict[str, Of]
    known: Literal["rule", "alignment", "marked", ""]
    agreements: list[Agreed] = []
    rightness: list[Right] = []
    faithfulness: list[Faithful] = []
    inside: list[Inside] = []
    maps: list[AttentionMap] = []
    largest_gap: dict[str, float] = {}
    notes: list[str] = []
    failed: list[str] = []
    explanations: list[Explanation] = []

    def backends(self) -> list[str]:
        """The labels of what backends trained, in the run's order."""
        return [label for label, of in self.models.items() if of == "backend"]


def write(folder: Path, explained: Explained) -> None:
    """Keep scores and figures in a run's folder; raises UserError where they cannot be written."""
    lines = "".join(f"{one.model_dump_json()}\n" for one in explained.explanations)
    figures = explained.model_dump_json(exclude={"explanations"}, indent=1)
    write_whole(folder / LINES, lines)
    write_whole(folder / FIGURES, figures)


def read_explanations(folder: Path) -> Sequence[Explanation]:
    """What was kept, if anything was; raises UserError for what another version wrote."""
    path = folder / LINES
    if not path.is_file():
        return []
    try:
        return [Explanation.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except ValueError:
        raise UserError(f"'{path}' cannot be read: another version wrote it") from None
