"""The plain Keras loop on TensorFlow: layers, keras.optimizers.Adam, an XLA-compiled tf.function."""

import os
from typing import Any

from compare.contracts import Array, Batch, Batches, Device, DeviceMemory, Unsupported, Weights
from compare.spec import Experiment


class KerasNative:
    name = "keras-native"
    modes = ("loop",)
    oracle = False

    def open(self, mode: str, threads: int) -> None:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"):
            os.environ[variable] = str(threads)
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        import keras

        assert keras.backend.backend() == "tensorflow"

    def versions(self) -> dict[str, str]:
        import keras
        import tensorflow as tf

        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def devices(self) -> list[Device]:
        return [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> "Loop":
        return Loop(experiment)


class Loop:
    def __init__(self, experiment: Experiment) -> None:
        import keras
        import tensorflow as tf

        embedding, rnn, head = experiment.model.layers
        train, self.adam = experiment.train, experiment.optimizer
        embed = keras.layers.Embedding(embedding.vocab, embedding.dim)
        cells = [
            keras.layers.SimpleRNN(
                rnn.hidden, return_sequences=True, return_state=True, unroll=True
            )
            for _ in range(rnn.layers)
        ]
        dense = keras.layers.Dense(head.outputs)
        tokens = keras.Input((train.sequence_length,), batch_size=train.batch, dtype="int32")
        starts = [keras.Input((rnn.hidden,), batch_size=train.batch) for _ in cells]
        y, ends = embed(tokens), []
        for cell, start in zip(cells, starts, strict=True):
            y, end = cell(y, initial_state=start)
            ends.append(end)
        # One flat product: XLA's CPU backend runs rank-3 ones slower.
        logits = dense(keras.ops.reshape(y, (-1, rnn.hidden)))
        model = keras.Model([tokens, *starts], [logits, *ends])

        layers = {"embedding": embed, "head": dense}
        layers |= {f"rnn.{index}": cell for index, cell in enumerate(cells)}
        parts = {"embedding": ["table"], "head": ["kernel", "bias"]}
        self.variables = {
            f"{name}.{part}": variable
            for name, layer in layers.items()
            for part, variable in zip(
                parts.get(name, ["kernel", "recurrent", "bias"]), layer.weights, strict=True
            )
        }
        self.optimizer = keras.optimizers.Adam(
            self.adam.learning_rate, self.adam.beta1, self.adam.beta2, self.adam.epsilon
        )
        self.optimizer.build(model.trainable_variables)
        self.states = [tf.Variable(tf.zeros((train.batch, rnn.hidden))) for _ in cells]
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        @tf.function(jit_compile=True)
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                logits, *after = model([x, *self.states], training=True)
                loss = loss_of(tf.reshape(y, [-1]), logits)
            gradients = tape.gradient(loss, model.trainable_variables)
            gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
            count = tf.cast(self.optimizer.iterations + 1, tf.float32)
            self.optimizer.epsilon = self.adam.epsilon * tf.sqrt(1 - self.adam.beta2**count)
            self.optimizer.apply(gradients, model.trainable_variables)
            for state, value in zip(self.states, after, strict=True):
                state.assign(value)
            return loss

        self.step, self.model = step, tf.function(model, jit_compile=True)

    def load(self, weights: Weights) -> None:
        import keras
        import tensorflow as tf

        for name, variable in self.variables.items():
            variable.assign(weights[name])
        for variable in self.optimizer.variables:
            if variable is not self.optimizer.learning_rate:
                variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
        for state in self.states:
            state.assign(tf.zeros_like(state))

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self.variables.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        import tensorflow as tf

        data = zip(tf.constant(batches["inputs"]), tf.constant(batches["targets"]), strict=True)
        fetched: Array = tf.stack([self.step(x, y) for x, y in data]).numpy()
        return fetched

    def gradients(self, batch: Batch) -> Weights:
        raise Unsupported("gradients")

    def logits(self, batch: Batch) -> Array:
        import tensorflow as tf

        zeros = [tf.zeros_like(state) for state in self.states]
        flat, *_ = self.model([tf.constant(batch["inputs"]), *zeros])
        fetched: Array = flat.numpy().reshape(*batch["inputs"].shape, -1)
        return fetched

    def memory(self) -> DeviceMemory:
        return DeviceMemory()


backend = KerasNative()
