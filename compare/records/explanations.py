"""The explanations of a run's texts, as they are kept in its folder: one line each.

explanations.jsonl   a method's scores of one text by one model
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from compare.errors import UserError
from compare.records.values import Record

LINES = "explanations.jsonl"

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


def read_explanations(folder: Path) -> Sequence[Explanation]:
    """What was kept, if anything was; raises UserError for what another version wrote."""
    path = folder / LINES
    if not path.is_file():
        return []
    try:
        return [Explanation.model_validate_json(line) for line in path.read_bytes().splitlines()]
    except ValueError:
        raise UserError(f"'{path}' cannot be read: another version wrote it") from None
