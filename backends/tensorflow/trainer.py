"""Training with TensorFlow: one tf.function per step, variables updated in place."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment

from .layers import Sampler, States
from .model import Model
from .optimizers import optimizer_of
from .ranks import Ranks

Fields = Mapping[str, tf.Tensor]


class TensorFlowTrainer:
    def __init__(
        self, experiment: Experiment, device: Device, xla: bool, ranks: Ranks | None = None
    ) -> None:
        train, precision = experiment.train, experiment.train.dtype
        if precision == "tf32" and device.kind != "cuda":
            raise Unsupported("tf32 on this device: it takes an NVIDIA GPU")
        # For the whole process, and on by default: float32 products are strict without it.
        tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
        self.dtype = tf.float64 if precision == "fp64" else tf.float32
        self.place = f"/GPU:{device.index}" if device.kind == "cuda" else "/CPU:0"
        self.micro_batches, self.seed = train.accumulation, train.seed
        with tf.device(self.place):
            operands = tf.bfloat16 if precision == "bf16" else self.dtype
            self.model = Model(experiment.model, self.dtype, operands, xla)
            self.variables = list(self.model.canonical.values())
            self.optimizer = optimizer_of(experiment.optimizer, self.variables)
            self.states = tf.nest.map_structure(
                lambda zero: tf.Variable(zero, trainable=False),
                self.model.zero_states(train.batch),
            )
            self.generator = tf.random.Generator.from_seed(self.seed)
        native = train.dropout_masks == "native"
        self.sampler: Sampler | None = self.generator.uniform if native else None
        self.ranks = ranks
        if ranks:
            self.step: Any = ranks.step(self._whole_batch, self._update, xla)
        else:
            self.step = tf.function(self._step, jit_compile=xla)
        self.forward = tf.function(self._forward, jit_compile=xla)
        self.differentiate = tf.function(self._gradients, jit_compile=xla)

    def load(self, weights: Weights) -> None:
        for name, variable in self.model.canonical.items():
            variable.assign(tf.cast(weights[name], self.dtype))
        self.optimizer.reset()
        self.generator.reset_from_seed(self.seed)
        for state in tf.nest.flatten(self.states):
            state.assign(tf.zeros_like(state))

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self.model.canonical.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        if self.place != "/CPU:0":
            tf.config.experimental.reset_memory_stats(self.place[1:])
        with tf.device(self.place):
            # Apart at once: slicing a step's fields one by one costs small models time.
            fields = {name: tf.unstack(tf.constant(field)) for name, field in batches.items()}
            rates = tf.unstack(tf.constant(learning_rates, self.dtype))
            losses = [
                self.step({name: steps[index] for name, steps in fields.items()}, rate)
                for index, rate in enumerate(rates)
            ]
            fetched: Array = tf.stack(losses).numpy()
            # A GPU's last update is later than the last loss. Where there are others, their devices
            # cannot be waited for: what is read of one's own comes behind the update.
            if self.ranks:
                self.variables[-1].numpy()
            else:
                tf.test.experimental.sync_devices()
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        with tf.device(self.place):
            found = self.differentiate(_tensors(batch))
        return {n: value.numpy() for n, value in zip(self.model.canonical, found, strict=True)}

    def logits(self, batch: Batch) -> Array:
        with tf.device(self.place):
            fetched: Array = self.forward(_tensors(batch)).numpy()
        return fetched

    def memory(self) -> DeviceMemory:
        if self.place == "/CPU:0":
            return DeviceMemory()
        return DeviceMemory(tf.config.experimental.get_memory_info(self.place[1:])["peak"])

    def times_traced(self) -> int:
        """How often a function became a graph, which XLA has compiled or raised an error: none
        is made where functions run eagerly."""
        functions = (self.step, self.forward, self.differentiate)
        return sum(function.experimental_get_tracing_count() for function in functions)

    def _forward(self, batch: Fields) -> tf.Tensor:
        return self.model(batch, {})[0]  # (batch, time, vocab)

    def _gradients(self, batch: Fields) -> list[tf.Tensor]:
        return self._differentiate(batch, {}, self._valid_targets(batch))[1]

    def _step(self, batch: Fields, rate: tf.Tensor) -> tf.Tensor:
        loss, gradients, after = self._whole_batch(batch)
        self._update(gradients, rate, after)
        return loss

    def _update(self, gradients: list[tf.Tensor], rate: tf.Tensor, after: States) -> None:
        self.optimizer.apply(gradients, rate)
        tf.nest.map_structure(lambda state, value: state.assign(value), self.states, after)

    def _whole_batch(self, batch: Fields) -> tuple[tf.Tensor, list[tf.Tensor], States]:
        """Loss, gradients and new states of a whole batch, some of its rows at a time."""
        states = tf.nest.map_structure(tf.convert_to_tensor, self.states)
        count = self._valid_targets(batch)
        batch = {name: field for name, field in batch.items() if name != "count"}
        if self.micro_batches == 1:
            return self._differentiate(batch, states, count, self.sampler)
        rows = batch["inputs"].shape[0] // self.micro_batches
        total, gradients = tf.zeros((), self.dtype), [tf.zeros_like(v) for v in self.variables]
        ends = []
        for first in range(0, rows * self.micro_batches, rows):
            part, start = tf.nest.map_structure(
                lambda x, first=first: x[first : first + rows], (dict(batch), states)
            )
            with tf.control_dependencies(gradients):  # one after the other: it is for the memory
                loss, found, end = self._differentiate(part, start, count, self.sampler)
                total += loss
                gradients = [g + more for g, more in zip(gradients, found, strict=True)]
            ends.append(end)
        return total, gradients, tf.nest.map_structure(lambda *x: tf.concat(x, axis=0), *ends)

    def _differentiate(
        self, batch: Fields, states: States, count: tf.Tensor, sampler: Sampler | None = None
    ) -> tuple[tf.Tensor, list[tf.Tensor], States]:
        """The summed loss over `count`, its gradients, and the new states."""
        with tf.GradientTape() as tape:
            logits, after = self.model(batch, states, sampler)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(batch["targets"], logits)
            if "targets_mask" in batch:
                losses = tf.where(batch["targets_mask"], losses, 0.0)
            loss = tf.reduce_sum(losses) / count
        found = tape.gradient(loss, self.variables, unconnected_gradients="zero")
        # An embedding's gradient comes as IndexedSlices, with a token's repeats apart: add them.
        return loss, [tf.convert_to_tensor(gradient) for gradient in found], after

    def _valid_targets(self, batch: Fields) -> tf.Tensor:
        if "count" in batch:  # of one rank's rows: the targets of all ranks
            return tf.cast(batch["count"], self.dtype)
        mask = batch.get("targets_mask", tf.ones_like(batch["targets"], tf.bool))
        return tf.math.count_nonzero(mask, dtype=self.dtype)


def _tensors(batch: Batch) -> Fields:
    return {name: tf.constant(field) for name, field in batch.items()}
