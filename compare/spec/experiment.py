"""One experiment as pure data: model, optimiser, training and the plan of its batches.

Nothing here computes with arrays or knows a framework. Adapters read these classes, and the
canonical JSON of an `Experiment` is what its fingerprint is taken of.
"""

import hashlib
import json

from compare.spec.batches import Cut, Decoding
from compare.spec.model import ModelSpec
from compare.spec.optimizer import OptimizerSpec
from compare.spec.parameters import Spec
from compare.spec.training import TrainSpec


class Experiment(Spec):
    """One fully resolved training: what every backend is given, and nothing else.

    `splits` has the batch fields of "train" and "validation" by name: token ids `inputs` and
    `targets`, (batch, time) int32; with an encoder `source`; and where there is padding the
    masks `inputs_mask`, `targets_mask`, `source_mask`, bool, True where a position is valid.
    Behind a `Pool` the targets are (batch, 1).
    """

    task: str
    model: ModelSpec
    optimizer: OptimizerSpec
    train: TrainSpec
    splits: dict[str, dict[str, Cut]]
    data: dict[str, str | int | float]
    data_sha256: str
    weights_sha256: str
    decoding: Decoding | None = None

    def losses_are_comparable(self) -> bool:
        """Whether every backend has to arrive at the same losses: not where each draws dropout
        masks of its own."""
        return self.train.dropout_masks == "core" or not any(self.model.dropouts())

    def learning_rates(self, first: int, last: int) -> list[float]:
        """The rate of each step in [first, last)."""
        return self.optimizer.learning_rates(first, last, self.train.steps)

    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON: equal fingerprints are the same training."""
        return hashlib.sha256(canonical_json(self).encode()).hexdigest()


def canonical_json(spec: Spec) -> str:
    """JSON with sorted keys and no white space: one text for one value, for ever: a field that was
    renamed goes by its first name."""
    fields = spec.model_dump(mode="json", by_alias=True)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))
