"""The adapter and the oracle, side by side on small experiments."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np

from compare.conformance.adapter_errors import AdapterError, require_trainer, told, wrong_answer
from compare.conformance.cases import Case
from compare.conformance.deviation import Wrong, same_all
from compare.contracts.backend import Backend, Device, Trainer, Unsupported
from compare.spec.arrays import Array, Batches, Weights


class Bench:
    """The adapter and the oracle, side by side on small experiments."""

    def __init__(self, backend: Backend, oracle: Backend, device: Device) -> None:
        self.backend, self.oracle, self.device = backend, oracle, device
        self._built: dict[Case, tuple[Trainer, Trainer]] = {}

    def pair(self, case: Case) -> tuple[Trainer, Trainer, Weights]:
        """Both trainers with the same weights loaded, and these weights.

        Built once for each case: building compiles, and `load` starts afresh.
        """
        if case not in self._built:
            wanted = case.experiment()
            ours = self.backend.build(wanted, self.device)
            require_trainer(ours)
            self._built[case] = ours, self.oracle.build(wanted, Device("cpu"))
        ours, theirs = self._built[case]
        weights = case.weights()
        self._load(ours, weights)
        theirs.load(weights)
        return ours, theirs, weights

    def _load(self, ours: Trainer, weights: Weights) -> None:
        """Where it fails over a parameter of another name or shape, that is told, with it."""
        try:
            ours.load(weights)
        except (Unsupported, AdapterError):
            raise
        except Exception as error:
            what = f"load() fails: {told(error, self.backend)}; weights()"
            try:
                same_all(ours.weights(), weights, what, inf)
            except Wrong as wrong:
                raise wrong from None
            except Exception:
                raise error from None
            raise


@dataclass(frozen=True)
class Check:
    """One check of a kind, such as "logits", made on the case that is called `of`."""

    kind: str
    of: str
    run: Callable[[Bench, Case], None]
    case: Case

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.of}"


def train(trainer: Trainer, many: Batches, rates: Array) -> list[float]:
    """The loss of each step, of which there must be one for each rate."""
    losses = np.asarray(trainer.train(many, rates), np.float64)
    if losses.shape != (len(rates),):
        problem = f"returned losses of shape {losses.shape}, expected ({len(rates)},)"
        raise wrong_answer(trainer.train, problem)
    return [float(loss) for loss in losses]


def undropped(many: Batches) -> Batches:
    """The first batch without dropout masks."""
    return {n: field[0] for n, field in many.items() if not n.startswith("dropout.")}


def first_of(many: Batches) -> Batches:
    return {name: field[0] for name, field in many.items()}


def part_of(many: Batches, begin: int, end: int) -> Batches:
    return {name: field[begin:end] for name, field in many.items()}
