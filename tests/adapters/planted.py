"""Deliberately wrong adapters: the reference with one mistake, each mode a different one.

Every mistake is one that a careless adapter of a real framework makes without noticing: the
loss still falls. A mistake is made in a private copy of the reference's modules, so that the
oracle, which may be in the same process, stays right.
"""

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Device, Trainer, Unsupported
from compare.contracts.loading import load_backend
from compare.spec import Experiment

MISTAKES: dict[str, Callable[[], None]] = {"nothing": lambda: None}


def mistake(plant: Callable[[], None]) -> Callable[[], None]:
    MISTAKES[plant.__name__] = plant
    return plant


def private_copy(package: str, name: str) -> Any:
    """The modules of a package a second time, under another name."""
    original = importlib.util.find_spec(package)
    assert original is not None
    assert original.origin is not None
    spec = importlib.util.spec_from_file_location(
        name, original.origin, submodule_search_locations=original.submodule_search_locations
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


private_copy("compare.backends.reference", "planted_reference")
layers, recurrent, attention, optimizer, trainer = (
    importlib.import_module(f"planted_reference.{part}")
    for part in ("layers", "recurrent", "attention", "optimizer", "trainer")
)
Optimizer, ReferenceTrainer = optimizer.Optimizer, trainer.ReferenceTrainer


# The optimiser


def adam_direction(of: Callable[[Any, Array, Array], Array]) -> None:
    """Adam whose direction is `of(optimizer, m, v)`."""

    def adam(self: Any, name: str, g: Array) -> Array:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        return of(self, m, v)

    Optimizer._adam = adam


def corrections(self: Any) -> tuple[float, float]:
    return 1 - self.spec.beta1**self.step, 1 - self.spec.beta2**self.step


@mistake
def epsilon_inside_root() -> None:
    def direction(self: Any, m: Array, v: Array) -> Array:
        c1, c2 = corrections(self)
        return (m / c1) / np.sqrt(v / c2 + self.spec.epsilon)

    adam_direction(direction)


@mistake
def keras_epsilon() -> None:
    def direction(self: Any, m: Array, v: Array) -> Array:
        c1, c2 = corrections(self)
        return np.sqrt(c2) / c1 * m / (np.sqrt(v) + self.spec.epsilon)

    adam_direction(direction)


@mistake
def no_bias_correction() -> None:
    adam_direction(lambda self, m, v: m / (np.sqrt(v) + self.spec.epsilon))


@mistake
def float32_constants() -> None:
    def init(self: Any, spec: Any) -> None:
        real(self, spec.model_copy(update={"beta1": float(np.float32(spec.beta1))}))

    real, Optimizer.__init__ = Optimizer.__init__, init


@mistake
def two_trainable_biases() -> None:
    """The canonical bias is the sum of two that have the same gradient: it moves twice."""

    def update(self: Any, values: Any, gradients: Any, rate: float) -> None:
        before = dict(values)
        real(self, values, gradients, rate)
        for name, value in values.items():
            if name.startswith("rnn") and name.endswith("bias"):
                values[name] = before[name] + 2 * (value - before[name])

    real, Optimizer.update = Optimizer.update, update


@mistake
def second_bias_of_two_gates() -> None:
    """A GRU whose reset and update gates have a second trained bias, as in cuDNN's layout."""

    def update(self: Any, values: Any, gradients: Any, rate: float) -> None:
        before = dict(values)
        real(self, values, gradients, rate)
        for name in values:
            if name.replace(".bias", ".recurrent_bias") in values and name.endswith(".bias"):
                gates = 2 * len(values[name]) // 3
                values[name][:gates] += (values[name] - before[name])[:gates]

    real, Optimizer.update = Optimizer.update, update


@mistake
def coupled_decay() -> None:
    def update(self: Any, values: Any, gradients: Any, rate: float) -> None:
        decay = self.spec.weight_decay
        coupled = {n: g + decay * values[n] * (g.ndim > 1) for n, g in gradients.items()}
        real(self, values, coupled, rate)

    real, Optimizer.update = Optimizer.update, update
    Optimizer._decay = lambda self, value: 0.0


@mistake
def decay_on_biases() -> None:
    Optimizer._decay = lambda self, value: self.spec.weight_decay * value


@mistake
def momentum_with_the_rate_folded_in() -> None:
    def update(self: Any, values: Any, gradients: Any, rate: float) -> None:
        for name, g in gradients.items():
            kept = self.spec.momentum * self.first.get(name, 0.0)
            self.first[name] = kept + rate * g
            values[name] = values[name] - self.first[name]

    Optimizer.update = update


@mistake
def nesterov_left_out() -> None:
    def init(self: Any, spec: Any) -> None:
        real(self, spec.model_copy(update={"nesterov": False}))

    real, Optimizer.__init__ = Optimizer.__init__, init


def clip(gradients: dict[str, Array], most: float, norm: float) -> dict[str, Array]:
    return {name: g * min(1.0, most / norm) for name, g in gradients.items()}


def norm_of(gradients: dict[str, Array]) -> float:
    return float(np.sqrt(sum((g * g).sum() for g in gradients.values())))


@mistake
def clipping_after_the_optimiser() -> None:
    def update(self: Any, values: Any, gradients: Any, rate: float) -> None:
        self.step += 1
        steps = {name: rate * self._adam(name, g) for name, g in gradients.items()}
        for name, step in clip(steps, self.spec.clip_norm, norm_of(steps)).items():
            values[name] = values[name] - step

    Optimizer.update = update


@mistake
def clipping_norm_of_sparse_slices() -> None:
    """The embedding's gradient as rows that were looked up, a token's repeats apart."""
    rows: dict[str, Array] = {}

    def backward(self: Any, weights: Any, kept: Any, dy: Array) -> Any:
        rows[self.table] = dy
        return real(self, weights, kept, dy)

    def clipped(self: Any, gradients: Any) -> Any:
        return clip(gradients, self.spec.clip_norm, norm_of(gradients | rows))

    real, layers.EmbeddingLayer.backward = layers.EmbeddingLayer.backward, backward
    Optimizer._clipped = clipped


@mistake
def clipping_norm_plus_a_little() -> None:
    Optimizer._clipped = lambda self, g: clip(g, self.spec.clip_norm, norm_of(g) + 1e-6)


# Layers


@mistake
def sparse_embedding() -> None:
    def backward(self: Any, weights: Any, kept: Any, dy: Array) -> Any:
        gradient = np.zeros_like(weights[self.table])
        gradient[kept] = dy  # of a token that occurs twice, the last one counts
        return np.zeros(kept.shape), {self.table: gradient}

    layers.EmbeddingLayer.backward = backward


@mistake
def tied_gradient_of_the_embedding_only() -> None:
    real = layers.TiedHeadLayer.backward
    layers.TiedHeadLayer.backward = lambda self, *rest: (real(self, *rest)[0], {})


@mistake
def layer_norm_epsilon() -> None:
    def init(self: Any, name: str, epsilon: float, centred: bool) -> None:
        real(self, name, 1e-3, centred)

    real, layers.NormLayer.__init__ = layers.NormLayer.__init__, init


@mistake
def dropout_not_rescaled() -> None:
    def init(self: Any, name: str, rate: float) -> None:
        real(self, name, 0.0)

    real, layers.DropoutLayer.__init__ = layers.DropoutLayer.__init__, init


@mistake
def pool_over_padding() -> None:
    def weights(self: Any, x: Array, valid: Array) -> Array:
        return real(self, x, np.ones_like(valid))

    real, layers.PoolLayer._weights = layers.PoolLayer._weights, weights


@mistake
def recurrent_transposed() -> None:
    def step(self: Any, weights: Any, projected: Array, state: Any) -> Any:
        return real(self, {**weights, self.recurrent: weights[self.recurrent].T}, projected, state)

    real, recurrent.ElmanLayer.step = recurrent.ElmanLayer.step, step


@mistake
def reset_before_the_product() -> None:
    def step(self: Any, weights: Any, projected: Array, state: Any) -> Any:
        (h,) = state
        hidden, matrix = self.hidden, weights[self.recurrent]
        gates = projected[:, : 2 * hidden] + h @ matrix[:, : 2 * hidden]
        r, z = np.split(recurrent.sigmoid(gates), 2, axis=-1)
        inner = (r * h) @ matrix[:, 2 * hidden :] + weights[self.recurrent_bias]
        n = np.tanh(projected[:, 2 * hidden :] + inner)
        return ((1 - z) * n + z * h,), (h, r, z, n, inner)

    recurrent.GruLayer.step = step


def rearranged(wanted: Callable[[str], bool], order: list[int]) -> None:
    """Blocks of the last axis stored in another order, on the way in and on the way out."""

    def moved(weights: Any, order: list[int]) -> Any:
        return {
            name: np.concatenate([np.split(v, len(order), -1)[i] for i in order], -1)
            if wanted(name)
            else v
            for name, v in weights.items()
        }

    back = [order.index(position) for position in range(len(order))]
    load, weights, gradients = (
        getattr(ReferenceTrainer, name) for name in ("load", "weights", "gradients")
    )
    ReferenceTrainer.load = lambda self, stored: load(self, moved(stored, order))
    ReferenceTrainer.weights = lambda self: moved(weights(self), back)
    ReferenceTrainer.gradients = lambda self, batch: moved(gradients(self, batch), back)


def gated(name: str) -> bool:
    return name.startswith("rnn") and not name.endswith("recurrent_bias")


@mistake
def gru_gates_swapped() -> None:
    rearranged(gated, [1, 0, 2])  # z, r, n


@mistake
def lstm_gates_permuted() -> None:
    rearranged(gated, [0, 1, 3, 2])  # i, f, o, g


@mistake
def kernel_transposed() -> None:
    def load(self: Any, weights: Any) -> None:
        real(self, {**weights, "rnn.0.kernel": np.array(weights["rnn.0.kernel"]).T})

    real, ReferenceTrainer.load = ReferenceTrainer.load, load


@mistake
def exact_gelu() -> None:
    erf = np.vectorize(math.erf)

    def forward(self: Any, weights: Any, x: Array, state: Any, context: Any) -> Any:
        return 0.5 * x * (1 + erf(x / np.sqrt(2))), state, real(self, weights, x, state, context)[2]

    real, attention.Gelu.forward = attention.Gelu.forward, forward


@mistake
def post_norm() -> None:
    def forward(self: Any, weights: Any, x: Array, state: Any, context: Any) -> Any:
        norm, *rest = self.branch.layers
        y, _, kept = layers.Chain(rest).forward(weights, x, None, context)
        y, _, keep = norm.forward(weights, x + y, None, context)
        return y, state, [keep, *kept]

    attention.Residual.forward = forward


@mistake
def unscaled_attention() -> None:
    real = attention.attend
    attention.attend = lambda q, *rest: real(q * np.sqrt(q.shape[-1]), *rest)


@mistake
def mask_off_by_one() -> None:
    """Each position sees the next one too."""

    def visible(self: Any, time: int, mask: Array | None) -> Array:
        return np.tril(np.ones((time, time), bool), 1)

    attention.SelfAttention._visible = visible


@mistake
def rotary_of_neighbours() -> None:
    def interleaved(x: Array, back: bool = False) -> Array:
        halves = np.concatenate([x[..., ::2], x[..., 1::2]], -1)
        turned = real(halves, back)
        half = x.shape[-1] // 2
        return np.stack([turned[..., :half], turned[..., half:]], -1).reshape(x.shape)

    real, attention.rotated = attention.rotated, interleaved


@mistake
def encoder_padding_seen() -> None:
    real = layers.Memory.__init__
    layers.Memory.__init__ = lambda self, value, mask, gradient: real(self, value, None, gradient)


@mistake
def source_mask_taken_for_granted() -> None:
    def needs_a_mask(self: Any, value: Array, mask: Array | None, gradient: Array) -> None:
        if mask is None:
            raise KeyError("source_mask")
        real(self, value, mask, gradient)

    real, layers.Memory.__init__ = layers.Memory.__init__, needs_a_mask


# Training


@mistake
def mean_over_batch() -> None:
    def differentiate(self: Any, batch: Batch, states: Any) -> Any:
        loss, gradients, after = real(self, batch, states)
        length = batch["targets"].shape[1]
        return loss, {n: g * length for n, g in gradients.items()}, after

    real, ReferenceTrainer._differentiate = ReferenceTrainer._differentiate, differentiate


@mistake
def loss_averaged_over_padding() -> None:
    def over_all(
        logits: Array, targets: Array, mask: Array | None = None, count: Array | None = None
    ) -> Any:
        loss, gradient = real(logits, targets, mask, count)
        share = 1.0 if mask is None else mask.mean()
        return loss * share, gradient * share

    real, trainer.cross_entropy = trainer.cross_entropy, over_all


@mistake
def mean_of_the_means_of_micro_batches() -> None:
    """Each half divides by its own number of valid targets."""

    def differentiate(self: Any, batch: Batch, states: Any) -> Any:
        half = len(batch["inputs"]) // 2
        parts = [
            {n: f[rows] for n, f in batch.items()} for rows in (slice(half), slice(half, None))
        ]
        (loss, gradients, after), (other, more, _) = (real(self, p, states) for p in parts)
        return (loss + other) / 2, {n: (g + more[n]) / 2 for n, g in gradients.items()}, after

    real, ReferenceTrainer._differentiate = ReferenceTrainer._differentiate, differentiate


@mistake
def loss_in_float32() -> None:
    def train(self: Any, batches: Any, learning_rates: Array) -> Array:
        return np.float32(real(self, batches, learning_rates)).astype(np.float64)

    real, ReferenceTrainer.train = ReferenceTrainer.train, train


@mistake
def weights_through_float32() -> None:
    def weights(self: Any) -> Any:
        return {name: value.astype(np.float32) for name, value in real(self).items()}

    real, ReferenceTrainer.weights = ReferenceTrainer.weights, weights


@mistake
def first_rate_only() -> None:
    def train(self: Any, batches: Any, learning_rates: Array) -> Array:
        return real(self, batches, np.full_like(learning_rates, learning_rates[0]))

    real, ReferenceTrainer.train = ReferenceTrainer.train, train


@mistake
def state_not_carried() -> None:
    def init(self: Any, experiment: Experiment) -> None:
        real(self, experiment)
        self.carries = [False] * len(self.carries)

    real, ReferenceTrainer.__init__ = ReferenceTrainer.__init__, init


@mistake
def state_not_detached() -> None:
    """The batch before is part of the graph: a gradient flows into its state."""
    before: list[tuple[Batch, Any]] = []

    def load(self: Any, weights: Any) -> None:
        before.clear()
        loaded(self, weights)

    def differentiate(self: Any, batch: Batch, states: Any) -> Any:
        if all(state is None for state in states):
            before[:] = [(batch, states)]
            return real(self, batch, states)
        earlier, start = before[0]
        before[:] = [(batch, states)]
        length = batch["inputs"].shape[1]
        joined = {"inputs": np.concatenate([earlier["inputs"], batch["inputs"]], 1)}
        logits, after, kept = self._forward(joined, start)
        loss, tail = trainer.cross_entropy(logits[:, -length:], batch["targets"])
        dy = np.zeros_like(logits)
        dy[:, -length:] = tail
        return loss, self._backward(kept, dy), after

    def gradients(self: Any, batch: Batch) -> Any:
        kept = list(before)
        found = asked(self, batch)
        before[:] = kept
        return found

    loaded, ReferenceTrainer.load = ReferenceTrainer.load, load
    asked, ReferenceTrainer.gradients = ReferenceTrainer.gradients, gradients
    real, ReferenceTrainer._differentiate = ReferenceTrainer._differentiate, differentiate


class Float32(ReferenceTrainer):  # type: ignore[misc,valid-type]
    """Keeps weights in float32 between steps and gives float32 away."""

    def train(self, batches: Any, learning_rates: Array) -> Array:
        losses = []
        for index in range(len(learning_rates)):
            step = {name: field[index : index + 1] for name, field in batches.items()}
            losses.append(super().train(step, learning_rates[index : index + 1]))
            self.values = {n: np.float32(v).astype(np.float64) for n, v in self.values.items()}
        return np.float32(np.concatenate(losses))

    def logits(self, batch: Batch) -> Array:
        return np.float32(super().logits(batch))

    def weights(self) -> Any:
        return {name: np.float32(value) for name, value in self.values.items()}


class Planted:
    name = "planted"
    modes = tuple(MISTAKES)
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        load_backend("reference").open(mode, threads)
        MISTAKES[mode]()

    def versions(self) -> dict[str, str]:
        return {"python": sys.version.split()[0]}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        precision = experiment.train.dtype
        if precision in ("tf32", "bf16"):
            raise Unsupported(f"precision {precision}")
        built: Trainer = (Float32 if precision == "fp32" else ReferenceTrainer)(experiment)
        return built


backend = Planted()
