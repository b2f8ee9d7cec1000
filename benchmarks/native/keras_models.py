"""What an expert builds of Keras layers: the models and optimizers that both Keras loops train."""

from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from plain import Plain, architecture

from compare.contracts import Array, Batch, Weights
from compare.spec import Experiment, OptimizerSpec

LIBRARIES = ("keras", "tensorflow")
FROM_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Rnn(keras.Model):
    """Stateful layers carry their state from batch to batch, in `fit` as well."""

    def __init__(self, embedding: Any, rnn: Any, head: Any) -> None:
        super().__init__()
        kind = {"elman": layers.SimpleRNN, "lstm": layers.LSTM}[rnn.cell]
        self.embedding = layers.Embedding(embedding.vocab, embedding.dim)
        self.stack = [
            kind(rnn.hidden, return_sequences=True, stateful=True, unroll=True)
            for _ in range(rnn.layers)
        ]
        self.head = layers.Dense(head.outputs)

    def call(self, x: Any) -> Any:
        y = self.embedding(x)
        for layer in self.stack:
            y = layer(y)
        flat = self.head(ops.reshape(y, (-1, y.shape[-1])))  # XLA's CPU is slower on rank 3
        return ops.reshape(flat, (-1, x.shape[1], flat.shape[-1]))


class Block(layers.Layer):
    """Takes and returns (batch * time, width)."""

    def __init__(self, spec: Any, time: int) -> None:
        super().__init__()
        self.split = (-1, time, 3, spec.heads, spec.width // spec.heads)
        gelu = partial(keras.activations.gelu, approximate=True)
        self.first_norm = layers.LayerNormalization(epsilon=spec.epsilon)
        self.qkv, self.out = layers.Dense(3 * spec.width), layers.Dense(spec.width)
        self.second_norm = layers.LayerNormalization(epsilon=spec.epsilon)
        self.wide, self.narrow = layers.Dense(spec.hidden, gelu), layers.Dense(spec.width)

    def call(self, x: Any) -> Any:
        q, k, v = ops.unstack(ops.reshape(self.qkv(self.first_norm(x)), self.split), axis=2)
        y = ops.dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(ops.reshape(y, (-1, x.shape[-1])))
        return x + self.narrow(self.wide(self.second_norm(x)))


class Gpt(keras.Model):
    def __init__(self, embedding: Any, positions: Any, *rest: Any) -> None:
        super().__init__()
        *blocks, norm, _ = rest
        self.embedding = layers.Embedding(embedding.vocab, embedding.dim)
        self.positions = layers.Embedding(positions.length, positions.dim)
        self.blocks = [Block(block, positions.length) for block in blocks]
        self.norm = layers.LayerNormalization(epsilon=norm.epsilon)

    def call(self, x: Any) -> Any:
        y = self.embedding(x) + self.positions(ops.arange(x.shape[1]))
        y = ops.reshape(y, (-1, y.shape[-1]))
        for block in self.blocks:
            y = block(y)
        flat = ops.matmul(self.norm(y), ops.transpose(self.embedding.embeddings))
        return ops.reshape(flat, (-1, x.shape[1], flat.shape[-1]))


MODELS = {"elman": Rnn, "lstm": Rnn, "gpt": Gpt}


class Summed:
    """Adds up the rows of an embedding's gradient that belong to one token, which Keras would
    square one by one, in its moments and in the norm that it clips."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        dense = [tf.convert_to_tensor(gradient) for gradient in grads]
        return super().apply(dense, trainable_variables)  # type: ignore[misc]


class Sgd(Summed, keras.optimizers.SGD):
    pass


class Adam(Summed, keras.optimizers.Adam):
    pass


class AdamW(Summed, keras.optimizers.AdamW):
    pass


def optimizer_of(spec: OptimizerSpec, variables: list[Any]) -> Any:
    options: dict[str, Any] = {"global_clipnorm": spec.clip_norm}
    if spec.name == "sgd":
        return Sgd(spec.learning_rate, **options)
    options |= {"beta_1": spec.beta1, "beta_2": spec.beta2, "epsilon": spec.epsilon}
    if spec.name == "adam":
        return Adam(spec.learning_rate, **options)
    optimizer = AdamW(spec.learning_rate, weight_decay=spec.weight_decay, **options)
    optimizer.exclude_from_weight_decay([v for v in variables if len(v.shape) < 2])
    return optimizer


class KerasPlain(Plain):
    """A model with its weights, optimizer and carried state; how to train is the subclass's."""

    def __init__(self, experiment: Experiment) -> None:
        train = experiment.train
        self.shape = (train.batch, train.sequence_length)
        self.model = MODELS[architecture(experiment)](*experiment.model.layers)
        self.model(np.zeros(self.shape, np.int32))  # builds it
        self.variables = self.model.trainable_variables  # in the order of the names
        self.names = list(experiment.model.parameters())
        self.optimizer = optimizer_of(experiment.optimizer, self.variables)
        self.optimizer.build(self.variables)
        stateful = getattr(self.model, "stack", [])  # gpt has none
        self.states = [state for layer in stateful for state in layer.states]
        self.forward = tf.function(self.model, jit_compile=True)

    def load(self, weights: Weights) -> None:
        for name, variable in zip(self.names, self.variables, strict=True):
            variable.assign(weights[name])
        for variable in (*self.optimizer.variables, *self.states):
            variable.assign(ops.zeros_like(variable))

    def weights(self) -> Weights:
        return {n: v.numpy() for n, v in zip(self.names, self.variables, strict=True)}

    def logits(self, batch: Batch) -> Array:
        carried = [state.numpy() for state in self.states]
        for state in self.states:
            state.assign(ops.zeros_like(state))
        fetched: Array = self.forward(tf.constant(batch["inputs"])).numpy()
        for state, value in zip(self.states, carried, strict=True):
            state.assign(value)
        return fetched
