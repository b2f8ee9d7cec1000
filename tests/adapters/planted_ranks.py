"""Deliberately wrong ranks: the reference as one of several, with one mistake in each mode.

Each is one that training on several processes has been published with: on one process, or on
ranks with as many valid targets each, most of them do not show.
"""

import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from compare.backends.reference.trainer import ReferenceTrainer

from compare.contracts import Array, Batches, Device, Group, Trainer, Weights
from compare.contracts.loading import load_backend
from compare.spec import Experiment
from compare.spec.dropout import with_dropout_masks


class Ranked(ReferenceTrainer):
    """Right; `added` is how its gradients are added up."""

    def __init__(self, experiment: Experiment, group: Group) -> None:
        self.sum, self.experiment, self.all = group.sum, experiment, group
        super().__init__(experiment, replace(group, add_up=self.added))

    def added(self, gradients: Weights) -> Weights:
        return self.sum(gradients)


class AverageForSum(Ranked):
    def added(self, gradients: Weights) -> Weights:
        return {name: g / self.all.size for name, g in self.sum(gradients).items()}


class SummedTwice(Ranked):
    def added(self, gradients: Weights) -> Weights:
        return self.sum(self.sum(gradients))


class AverageThatCameAsSum(Ranked):
    """Multiplied by the number of ranks, to undo an average that was none."""

    def added(self, gradients: Weights) -> Weights:
        return {name: g * self.all.size for name, g in self.sum(gradients).items()}


class LocalCount(Ranked):
    def _differentiate(self, batch: Any, states: Any) -> Any:
        return super()._differentiate({n: f for n, f in batch.items() if n != "count"}, states)


class MeanOfLocalMeans(LocalCount):
    def added(self, gradients: Weights) -> Weights:
        return {name: g / self.all.size for name, g in self.sum(gradients).items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        return super().train(batches, learning_rates) / self.all.size


class ClippedBeforeTheSum(Ranked):
    def added(self, gradients: Weights) -> Weights:
        return self.sum(self.optimizer._clipped(dict(gradients)))


class NormSummedTwice(Ranked):
    """The squares of the norm added up over ranks, of gradients that are added up already."""

    def added(self, gradients: Weights) -> Weights:
        found = self.sum(gradients)
        norm = np.sqrt(self.all.size * sum((g * g).sum() for g in found.values()))
        most = self.optimizer.spec.clip_norm or np.inf
        return {name: g * min(1.0, most / norm) for name, g in found.items()}


class SameMaskOnEachRank(Ranked):
    drawn = 0

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        train = self.experiment.train.model_copy(update={"seed": 1})
        bare = {n: f for n, f in batches.items() if not n.startswith("dropout.") and n != "count"}
        masked = with_dropout_masks(bare, self.experiment.model, train, self.drawn)
        self.drawn += len(learning_rates)
        return super().train({**masked, "count": batches["count"]}, learning_rates)


class StateNotCut(Ranked):
    """Every rank goes on from the state of the first one's rows."""

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = []
        for at in range(len(learning_rates)):
            step = {name: field[at : at + 1] for name, field in batches.items()}
            losses.append(super().train(step, learning_rates[at : at + 1]))
            self.states = self.of_the_first(self.states)
        return np.concatenate(losses)

    def of_the_first(self, tree: Any) -> Any:
        if isinstance(tree, np.ndarray):
            return self.sum({"": tree if self.all.rank == 0 else np.zeros_like(tree)})[""]
        return type(tree)(map(self.of_the_first, tree)) if isinstance(tree, list | tuple) else tree


class SameRowsOnEachRank(Ranked):
    def train(self, batches: Batches, learning_rates: Array) -> Array:
        mine = self.all.rank == 0
        firsts = self.sum({n: f * mine for n, f in batches.items() if n != "count"})
        kept = {n: f.astype(batches[n].dtype) for n, f in firsts.items()}
        return super().train({**kept, "count": batches["count"]}, learning_rates)


class OtherWeights(Ranked):
    def load(self, weights: Weights) -> None:
        super().load({n: w + 1e-7 * self.all.rank for n, w in weights.items()})


class DriftingReplica(Ranked):
    """The update of one rank is rounded otherwise: too little to be seen in any loss."""

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = super().train(batches, learning_rates)
        self.values = {n: v * (1 + 1e-15 * self.all.rank) for n, v in self.values.items()}
        return losses


class LossOfAllOnEachRank(Ranked):
    """The loss that a framework has added up over ranks already, told by each of them."""

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        return self.sum({"": super().train(batches, learning_rates)})[""]


class LossOfTheFirstRankOnly(Ranked):
    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = super().train(batches, learning_rates)
        return losses * (self.all.rank == 0)


MISTAKES: dict[str, type[Ranked]] = {
    "nothing": Ranked,
    "average_for_sum": AverageForSum,
    "summed_twice": SummedTwice,
    "average_that_came_as_sum": AverageThatCameAsSum,
    "local_count": LocalCount,
    "mean_of_local_means": MeanOfLocalMeans,
    "clipped_before_the_sum": ClippedBeforeTheSum,
    "norm_summed_twice": NormSummedTwice,
    "same_mask_on_each_rank": SameMaskOnEachRank,
    "state_not_cut": StateNotCut,
    "same_rows_on_each_rank": SameRowsOnEachRank,
    "other_weights": OtherWeights,
    "drifting_replica": DriftingReplica,
    "loss_of_the_first_rank_only": LossOfTheFirstRankOnly,
    "loss_of_all_on_each_rank": LossOfAllOnEachRank,
}


class PlantedRanks:
    name = "planted_ranks"
    modes = (*MISTAKES, "asleep", "raises", "cannot_join")
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        self.mode = mode

    def join(self, group: Group) -> None:
        if self.mode == "cannot_join":
            raise RuntimeError("nobody is there")
        self.group = group

    def versions(self) -> dict[str, str]:
        return {"python": sys.version.split()[0]}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        if self.mode == "cannot_join":
            return load_backend("reference").build(experiment, device)
        if self.mode == "asleep":
            return Asleep(experiment, self.group)
        if self.mode == "raises":
            return Raises(experiment, self.group)
        return MISTAKES[self.mode](experiment, self.group)


class Asleep(Ranked):
    def train(self, batches: Batches, learning_rates: Array) -> Array:
        if self.all.rank == 1:
            time.sleep(600)  # the line that is to be named
        return super().train(batches, learning_rates)


class Raises(Ranked):
    def train(self, batches: Batches, learning_rates: Array) -> Array:
        if self.all.rank == 1:
            raise RuntimeError("no room left in the basket")
        return super().train(batches, learning_rates)


backend = PlantedRanks()
