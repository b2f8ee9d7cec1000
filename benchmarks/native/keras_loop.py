"""The plain Keras loop on TensorFlow: layers, keras.optimizers.Adam, a tf.function through XLA."""

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
        import keras  # noqa: F401

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

        sizes: Any = experiment.model.layers
        embedding, rnn, head = sizes
        train, adam = experiment.train, experiment.optimizer
        tokens = keras.Input((train.sequence_length,), batch_size=train.batch, dtype="int32")
        starts = [keras.Input((rnn.hidden,), batch_size=train.batch) for _ in range(rnn.layers)]
        y, ends = keras.layers.Embedding(embedding.vocab, embedding.dim)(tokens), []
        for start in starts:
            cell = keras.layers.SimpleRNN(
                rnn.hidden, return_sequences=True, return_state=True, unroll=True
            )
            y, end = cell(y, initial_state=start)
            ends.append(end)
        flat = keras.ops.reshape(y, (-1, rnn.hidden))  # XLA's CPU backend is slower on rank 3
        logits = keras.layers.Dense(head.outputs)(flat)
        model = keras.Model([tokens, *starts], [logits, *ends])
        variables = model.trainable_variables  # in the order of the layers, as the names below
        self.variables = dict(zip(experiment.model.parameters(), variables, strict=True))
        optimizer = keras.optimizers.Adam(adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon)
        optimizer.build(variables)
        self.moments = [v for v in optimizer.variables if v is not optimizer.learning_rate]
        self.states = [tf.Variable(tf.zeros((train.batch, rnn.hidden))) for _ in starts]
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        @tf.function(jit_compile=True)
        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                logits, *after = model([x, *self.states], training=True)
                loss = loss_of(tf.reshape(y, [-1]), logits)
            # Dense: Keras's Adam would square an embedding's repeated rows one by one.
            gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
            # Keras adds epsilon before the bias correction, Adam after: scaled, they are equal.
            count = tf.cast(optimizer.iterations + 1, tf.float32)
            optimizer.epsilon = adam.epsilon * tf.sqrt(1 - adam.beta2**count)
            optimizer.apply(gradients, variables)
            for state, value in zip(self.states, after, strict=True):
                state.assign(value)
            return loss

        self.step, self.model = step, tf.function(model, jit_compile=True)

    def load(self, weights: Weights) -> None:
        import keras

        for name, variable in self.variables.items():
            variable.assign(weights[name])
        for variable in (*self.moments, *self.states):
            variable.assign(keras.ops.zeros_like(variable))

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
