"""The plain TensorFlow loop: raw ops on variables in one tf.function, its own Adam kernel."""

import os
from typing import Any

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment


class TensorFlowNative:
    name = "tensorflow-native"
    modes = ("loop",)
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
        os.environ["NPROC"] = str(threads)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        import tensorflow  # noqa: F401

    def versions(self) -> dict[str, str]:
        import tensorflow as tf

        return {"tensorflow": tf.__version__}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> "Loop":
        return Loop(experiment)


class Loop:
    def __init__(self, experiment: Experiment) -> None:
        import tensorflow as tf

        sizes: Any = experiment.model.layers
        rnn, adam = sizes[1], experiment.optimizer
        shapes = {name: p.shape for name, p in experiment.model.parameters().items()}
        self.params, self.first, self.second = (
            {name: tf.Variable(tf.zeros(shape)) for name, shape in shapes.items()} for _ in range(3)
        )
        self.count = tf.Variable(0.0)
        self.state = tf.Variable(tf.zeros((rnn.layers, experiment.train.batch, rnn.hidden)))

        def forward(x: Any, state: Any) -> Any:
            """x (batch, time) -> logits (time * batch, vocab), last states."""
            p = self.params
            y = tf.gather(p["embedding.table"], tf.transpose(x))  # (time, batch, dim)
            after = []
            for i in range(rnn.layers):
                kernel, recurrent = p[f"rnn.{i}.kernel"], p[f"rnn.{i}.recurrent"].read_value()
                projected = tf.reshape(y, (-1, y.shape[-1])) @ kernel + p[f"rnn.{i}.bias"]
                h, path = state[i], []
                for step in tf.split(projected, x.shape[1]):  # unrolled
                    h = tf.tanh(step + h @ recurrent)
                    path.append(h)
                y = tf.stack(path)
                after.append(h)
            flat = tf.reshape(y, (-1, rnn.hidden))
            return flat @ p["head.kernel"] + p["head.bias"], tf.stack(after)

        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                logits, after = forward(x, self.state.read_value())
                labels = tf.reshape(tf.transpose(y), [-1])
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, self.params)
            count = self.count.assign_add(1)
            power1, power2 = adam.beta1**count, adam.beta2**count
            for name, gradient in gradients.items():
                tf.raw_ops.ResourceApplyAdam(
                    var=self.params[name].handle, m=self.first[name].handle,
                    v=self.second[name].handle, beta1_power=power1, beta2_power=power2,
                    lr=adam.learning_rate, beta1=adam.beta1, beta2=adam.beta2,
                    # The kernel adds it before the bias correction, Adam after.
                    epsilon=adam.epsilon * tf.sqrt(1 - power2), grad=tf.convert_to_tensor(gradient),
                )  # fmt: skip
            self.state.assign(after)
            return loss

        self.forward, self.step = tf.function(forward), tf.function(step)

    def load(self, weights: Weights) -> None:
        import tensorflow as tf

        for name, value in weights.items():
            self.params[name].assign(value)
        for variable in (self.count, self.state, *self.first.values(), *self.second.values()):
            variable.assign(tf.zeros_like(variable))

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self.params.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        import tensorflow as tf

        data = zip(tf.constant(batches["inputs"]), tf.constant(batches["targets"]), strict=True)
        fetched: Array = tf.stack([self.step(x, y) for x, y in data]).numpy()
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        raise Unsupported("gradients")

    def logits(self, batch: Batch) -> Array:
        import tensorflow as tf

        flat, _ = self.forward(tf.constant(batch["inputs"]), tf.zeros_like(self.state))
        size, time = batch["inputs"].shape
        fetched: Array = flat.numpy().reshape(time, size, -1).swapaxes(0, 1)
        return fetched

    def memory(self) -> DeviceMemory:
        return DeviceMemory()


backend = TensorFlowNative()
