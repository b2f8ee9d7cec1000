"""The plain TensorFlow loop: variables by canonical name, one tf.function for the whole step, the
fused kernels of the optimisers, no Keras."""

from typing import Any

import numpy as np
import tensorflow as tf
from plain import Plain, architecture

from compare.contracts import Array, Batch, Batches, Weights
from compare.spec import Experiment, OptimizerSpec, TransformerBlock

LIBRARIES = ("tensorflow",)

# The faster of the two on two CPU cores; an unrolled LSTM would compile for a minute.
JIT_COMPILE = {"elman": True, "lstm": False, "gpt": True}
GELU = 2 * (2 / np.pi) ** 0.5

Params = dict[str, tf.Variable]
State = list[tuple[tf.Tensor, ...]]
"""Of each recurrent layer, (batch, hidden) each, h first."""


def linear(params: Params, name: str, x: tf.Tensor) -> tf.Tensor:
    return x @ params[f"{name}.kernel"] + params[f"{name}.bias"]


def elman(recurrent: tf.Tensor, state: Any, x: tf.Tensor) -> Any:
    (h,) = state
    return (tf.tanh(x + h @ recurrent),)


def lstm(recurrent: tf.Tensor, state: Any, x: tf.Tensor) -> Any:
    h, c = state
    i, f, g, o = tf.split(x + h @ recurrent, 4, axis=-1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


CELLS = {"elman": elman, "lstm": lstm}


def rnn(cell: Any, params: Params, state: State, x: tf.Tensor) -> tuple[tf.Tensor, State]:
    """Of ids (batch, time): logits (batch * time, vocab), and the states to carry on."""
    time, after = x.shape[1], []
    y = tf.gather(params["embedding.table"], tf.reshape(tf.transpose(x), [-1]))
    for index, carried in enumerate(state):
        recurrent, path = params[f"rnn.{index}.recurrent"].read_value(), []
        for step in tf.split(linear(params, f"rnn.{index}", y), time):  # unrolled in the graph
            carried = cell(recurrent, carried, step)
            path.append(carried[0])
        y = tf.concat(path, axis=0)
        after.append(carried)
    y = tf.reshape(tf.stack(path, axis=1), (-1, y.shape[-1]))  # batch first again
    return linear(params, "head", y), after


def norm(params: Params, name: str, epsilon: float, x: tf.Tensor) -> tf.Tensor:
    x = x - tf.reduce_mean(x, -1, keepdims=True)
    x = x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), -1, keepdims=True) + epsilon)
    return x * params[f"{name}.scale"] + params[f"{name}.shift"]


def block(spec: TransformerBlock, params: Params, rows: int, x: tf.Tensor) -> tf.Tensor:
    """x (rows * time, width): all products but attention's own are flat."""
    name, (flat, width) = f"{spec.name}.attention", x.shape
    time, size = flat // rows, width // spec.heads
    qkv = linear(params, f"{name}.qkv", norm(params, f"{name}.norm", spec.epsilon, x))
    apart = tf.reshape(qkv, (rows, time, 3, spec.heads, size))
    q, k, v = tf.unstack(tf.transpose(apart, (2, 0, 3, 1, 4)))  # (rows, heads, time, size)
    causal = np.triu(np.full((time, time), -np.inf, np.float32), 1)
    scores = tf.nn.softmax(tf.matmul(q * size**-0.5, k, transpose_b=True) + causal)
    y = tf.reshape(tf.transpose(scores @ v, (0, 2, 1, 3)), (flat, width))
    x = x + linear(params, f"{name}.out", y)
    name = f"{spec.name}.feedforward"
    y = linear(params, f"{name}.in", norm(params, f"{name}.norm", spec.epsilon, x))
    y = y * tf.sigmoid(y * (GELU + GELU * 0.044715 * tf.square(y)))  # its tanh form
    return x + linear(params, f"{name}.out", y)


def gpt(layers: Any, params: Params, x: tf.Tensor) -> tf.Tensor:
    """Of ids (batch, time): logits (batch * time, vocab)."""
    _, _, *blocks, last, _ = layers
    rows, time = x.shape
    y = tf.gather(params["embedding.table"], x) + params["positions.table"][:time]
    y = tf.reshape(y, (rows * time, -1))
    for spec in blocks:
        y = block(spec, params, rows, y)
    y = norm(params, last.name, last.epsilon, y)
    return tf.matmul(y, params["embedding.table"], transpose_b=True)


class Loop(Plain):
    def __init__(self, experiment: Experiment) -> None:
        self.kind, self.spec = architecture(experiment), experiment.optimizer
        self.layers: Any = experiment.model.layers
        shapes = {name: p.shape for name, p in experiment.model.parameters().items()}
        self.params, self.first, self.second = (
            {name: tf.Variable(tf.zeros(shape)) for name, shape in shapes.items()} for _ in range(3)
        )
        self.count = tf.Variable(0.0)
        self.state = tf.nest.map_structure(tf.Variable, self._zeros(experiment.train.batch))
        self.compiled = JIT_COMPILE[self.kind]
        self.step = tf.function(self._step, jit_compile=self.compiled)
        self.forward = tf.function(self._forward, jit_compile=self.compiled)

    def load(self, weights: Weights) -> None:
        for name, value in weights.items():
            self.params[name].assign(value)
        for variable in tf.nest.flatten((self.count, self.state, self.first, self.second)):
            variable.assign(tf.zeros_like(variable))

    def weights(self) -> Weights:
        return {name: variable.numpy() for name, variable in self.params.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        data = (batches["inputs"], batches["targets"], learning_rates.astype(np.float32))
        steps = zip(*(tf.unstack(tf.constant(field)) for field in data), strict=True)
        fetched: Array = tf.stack([self.step(x, y, rate) for x, y, rate in steps]).numpy()
        return fetched

    def logits(self, batch: Batch) -> Array:
        x = batch["inputs"]
        flat, _ = self.forward(tf.constant(x), self._zeros(len(x)))
        fetched: Array = flat.numpy().reshape(*x.shape, -1)
        return fetched

    def _forward(self, x: tf.Tensor, state: State) -> tuple[tf.Tensor, State]:
        if self.kind == "gpt":
            return gpt(self.layers, self.params, x), state
        return rnn(CELLS[self.kind], self.params, state, x)

    def _step(self, x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        loss, gradients, after = self._differentiate(x, y)
        self._apply(gradients, rate, after)
        return loss

    def _differentiate(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, Any, Any]:
        with tf.GradientTape() as tape:
            state = tf.nest.map_structure(tf.convert_to_tensor, self.state)
            logits, after = self._forward(x, state)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(y, [-1]), logits)
            loss = tf.reduce_mean(losses)
        found = tape.gradient(loss, list(self.params.values()))
        # Dense before the norm: an embedding's IndexedSlices have a token's repeats apart.
        return loss, [tf.convert_to_tensor(gradient) for gradient in found], after

    def _apply(self, gradients: Any, rate: tf.Tensor, after: Any) -> None:
        if self.spec.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.spec.clip_norm)
        self._update(self.spec, dict(zip(self.params, gradients, strict=True)), rate)
        tf.nest.map_structure(lambda variable, value: variable.assign(value), self.state, after)

    def _update(self, spec: OptimizerSpec, gradients: Any, rate: tf.Tensor) -> None:
        if spec.name == "sgd":
            for name, gradient in gradients.items():
                self.params[name].assign_sub(rate * gradient)
            return
        count = self.count.assign_add(1.0)
        power1, power2 = spec.beta1**count, spec.beta2**count
        for name, gradient in gradients.items():
            value = self.params[name]
            if spec.weight_decay and len(value.shape) >= 2:  # biases and norms do not decay
                value.assign_sub(rate * spec.weight_decay * value)
            tf.raw_ops.ResourceApplyAdam(
                var=value.handle, m=self.first[name].handle, v=self.second[name].handle,
                beta1_power=power1, beta2_power=power2, lr=rate, beta1=spec.beta1,
                # The kernel adds it before the bias correction, Adam after.
                beta2=spec.beta2, epsilon=spec.epsilon * tf.sqrt(1 - power2), grad=gradient,
            )  # fmt: skip

    def _zeros(self, rows: int) -> State:
        if self.kind == "gpt":
            return []
        spec, parts = self.layers[1], {"elman": 1, "lstm": 2}[self.kind]
        return [(tf.zeros((rows, spec.hidden)),) * parts for _ in range(spec.layers)]
