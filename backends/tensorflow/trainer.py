"""Training with TensorFlow: one tf.function per step, variables updated in place."""

import tensorflow as tf

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Weights
from compare.spec import Experiment

from .layers import Model, State
from .optimizers import optimizer_of

DTYPES = {"fp32": tf.float32, "fp64": tf.float64}


class TensorFlowTrainer:
    def __init__(self, experiment: Experiment, device: Device, xla: bool) -> None:
        self.dtype = DTYPES[experiment.train.precision]
        self.place = f"/GPU:{device.index}" if device.kind == "cuda" else "/CPU:0"
        self.batch = experiment.train.batch
        self.carries = [getattr(layer, "carry_state", False) for layer in experiment.model.layers]
        with tf.device(self.place):
            self.model = Model(experiment.model, self.dtype)
            self.variables = self.model.canonical()
            self.optimizer = optimizer_of(experiment.optimizer, list(self.variables.values()))
            self.states = [
                tf.Variable(zero) if zero is not None else None for zero in self._zero_states()
            ]
        self.step = tf.function(self._step, jit_compile=xla)
        self.forward = tf.function(self._forward, jit_compile=xla)
        self.differentiate = tf.function(self._differentiate, jit_compile=xla)

    def load(self, weights: Weights) -> None:
        for name, variable in self.variables.items():
            variable.assign(tf.cast(weights[name], self.dtype))
        self.optimizer.reset()
        for state in self.states:
            if state is not None:
                state.assign(tf.zeros_like(state))

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self.variables.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        if self.place != "/CPU:0":
            tf.config.experimental.reset_memory_stats(self.place[1:])
        with tf.device(self.place):
            inputs, targets = tf.constant(batches["inputs"]), tf.constant(batches["targets"])
            rates = tf.constant(learning_rates, self.dtype)
            losses = [
                self.step(inputs[index], targets[index], rates[index])
                for index in range(len(learning_rates))
            ]
            fetched: Array = tf.stack(losses).numpy()
            tf.test.experimental.sync_devices()  # a GPU's last update is later than the last loss
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        found = self.differentiate(tf.constant(batch["inputs"]), tf.constant(batch["targets"]))
        return {name: value.numpy() for name, value in zip(self.variables, found, strict=True)}

    def logits(self, batch: Batch) -> Array:
        fetched: Array = self.forward(tf.constant(batch["inputs"])).numpy()
        return fetched

    def memory(self) -> DeviceMemory:
        if self.place == "/CPU:0":
            return DeviceMemory()
        return DeviceMemory(tf.config.experimental.get_memory_info(self.place[1:])["peak"])

    def _forward(self, x: tf.Tensor) -> tf.Tensor:
        return self.model(x, self._zero_states())[0]  # (batch, time, vocab)

    def _loss(
        self, x: tf.Tensor, y: tf.Tensor, states: list[State]
    ) -> tuple[tf.Tensor, list[State]]:
        logits, after = self.model(x, states)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
        return tf.reduce_mean(losses), after

    def _step(self, x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss, after = self._loss(
                x, y, [s if s is None else s.read_value() for s in self.states]
            )
        self.optimizer.apply(self._dense_gradients(tape, loss), rate)
        for state, value, carry in zip(self.states, after, self.carries, strict=True):
            if state is not None and carry:
                state.assign(value)
        return loss

    def _differentiate(self, x: tf.Tensor, y: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss, _ = self._loss(x, y, self._zero_states())
        return self._dense_gradients(tape, loss)

    def _dense_gradients(self, tape: tf.GradientTape, loss: tf.Tensor) -> list[tf.Tensor]:
        # An embedding's gradient comes as IndexedSlices, with a token's repeats apart: add them.
        found = tape.gradient(loss, list(self.variables.values()))
        return [tf.convert_to_tensor(gradient) for gradient in found]

    def _zero_states(self) -> list[State]:
        return self.model.zero_states(self.batch)
