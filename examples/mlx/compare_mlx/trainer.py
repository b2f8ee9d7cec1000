"""Training with MLX: layers, loss, optimisers and the loop."""

import math
from typing import Any

import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from compare.contracts import Array, Batch, Batches, DeviceMemory, Group, Unsupported, Weights
from compare.spec import Dense, Embedding, Experiment, OptimizerSpec, Recurrent


def layer_of(spec: Any) -> nn.Module:
    """The module for a layer; its `names` say where it keeps which parameter."""
    match spec:
        case Embedding():
            layer = nn.Embedding(spec.vocab, spec.dim)
            layer.names = {f"{spec.name}.table": "weight"}
            return layer
        case Dense():
            layer = nn.Linear(spec.inputs, spec.outputs)
            layer.names = {f"{spec.name}.kernel": "weight", f"{spec.name}.bias": "bias"}
            return layer
        case Recurrent():
            return Stack(spec)
    raise Unsupported(f"layer {spec.kind}")


class Stack(nn.Module):
    """MLX's single layers one over the other; a state is h, or (h, c), for each of them."""

    def __init__(self, spec: Recurrent) -> None:
        super().__init__()
        cell, parts = CELLS[spec.cell]
        widths = [spec.inputs] + [spec.hidden] * (spec.layers - 1)
        self.layers = [cell(width, spec.hidden) for width in widths]
        self.names = {
            f"{spec.name}.{index}.{part}": f"layers.{index}.{own}"
            for index in range(spec.layers)
            for part, own in parts.items()
        }

    def __call__(self, x: mx.array, states: Any) -> tuple[mx.array, Any]:
        after = []
        for layer, state in zip(self.layers, states or [()] * len(self.layers), strict=True):
            found = layer(x, *state)
            paths = found if isinstance(found, tuple) else (found,)  # each (batch, time, hidden)
            x = paths[0]
            after.append(tuple(path[:, -1] for path in paths))
        return x, after


class Lstm(nn.LSTM):
    def __call__(self, x: mx.array, h: Any = None, c: Any = None) -> tuple[mx.array, mx.array]:
        if h is None:
            h = c = mx.zeros((x.shape[0], self.hidden_size), x.dtype)
        h_path, c_path = [], []
        for step in mx.addmm(self.bias, x, self.Wx.T).swapaxes(0, 1):  # (batch, 4 hidden)
            i, f, g, o = mx.split(step + h @ self.Wh.T, 4, axis=-1)
            c = sigmoid(f) * c + sigmoid(i) * mx.tanh(g)
            h = sigmoid(o) * mx.tanh(c)
            h_path.append(h)
            c_path.append(c)
        return mx.stack(h_path, axis=1), mx.stack(c_path, axis=1)


class Gru(nn.GRU):
    def __call__(self, x: mx.array, h: Any = None) -> mx.array:
        if h is None:
            h = mx.zeros((x.shape[0], self.hidden_size), x.dtype)
        path = []
        for step in mx.addmm(self.b, x, self.Wx.T).swapaxes(0, 1):  # (batch, 3 hidden)
            (xr, xz, xn), (hr, hz, hn) = mx.split(step, 3, -1), mx.split(h @ self.Wh.T, 3, -1)
            r, z = sigmoid(xr + hr), sigmoid(xz + hz)
            n = mx.tanh(xn + r * (hn + self.bhn))
            h = (1 - z) * n + z * h
            path.append(h)
        return mx.stack(path, axis=1)


def sigmoid(x: mx.array) -> mx.array:
    """mx.sigmoid goes through exp, which MLX computes in float64 only as exactly as in float32.

    That is also why MLX's own LSTM and GRU are not called: their parameters and gate orders
    (i, f, g, o; r, z, n) are the canonical ones.
    """
    return 0.5 * (1 + mx.tanh(0.5 * x))


CELLS = {
    "elman": (nn.RNN, {"kernel": "Wxh", "recurrent": "Whh", "bias": "bias"}),
    "lstm": (Lstm, {"kernel": "Wx", "recurrent": "Wh", "bias": "bias"}),
    "gru": (Gru, {"kernel": "Wx", "recurrent": "Wh", "bias": "b", "recurrent_bias": "bhn"}),
}


def cross_entropy(logits: mx.array, targets: mx.array) -> mx.array:
    """-log softmax(logits)[target], (batch, time)."""
    if logits.dtype == mx.float32:
        return nn.losses.cross_entropy(logits, targets)
    shifted = logits - logits.max(-1, keepdims=True)
    power = mx.power(mx.array(math.e, mx.float64), shifted)  # an exp with all of its digits
    chosen = mx.take_along_axis(shifted, targets[..., None], -1)[..., 0]
    return mx.log(power.sum(-1)) - chosen


class MlxTrainer:
    def __init__(self, experiment: Experiment, group: Group | None = None) -> None:
        self.group = group
        train = experiment.train
        if train.dtype not in ("fp32", "fp64"):
            raise Unsupported(f"precision {train.dtype}")
        if train.accumulation > 1:
            raise Unsupported("accumulation")
        if experiment.model.encoder:
            raise Unsupported("an encoder")
        self.dtype = mx.float64 if train.dtype == "fp64" else mx.float32
        self.specs = experiment.model.layers
        self.model = nn.Module()
        self.model.layers = [layer_of(layer) for layer in self.specs]
        self.paths = {  # canonical name -> where MLX has the array
            name: f"layers.{index}.{path}"
            for index, layer in enumerate(self.model.layers)
            for name, path in layer.names.items()
        }
        self.optimizer = Optimizer(experiment.optimizer)
        self.differentiate = nn.value_and_grad(self.model, self.loss)

    def load(self, weights: Weights) -> None:
        own = {n: mx.array(turned(n, np.asarray(v)), dtype=self.dtype) for n, v in weights.items()}
        self.model.load_weights([(path, own[name]) for name, path in self.paths.items()])
        self.optimizer = Optimizer(self.optimizer.spec)
        self.states: list[Any] = [None] * len(self.specs)

    def weights(self) -> Weights:
        return self.canonical(self.model.parameters())

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = []
        for index, rate in enumerate(learning_rates):
            batch = {name: mx.array(field[index]) for name, field in batches.items()}
            (loss, after), gradients = self.differentiate(batch, self.states)
            values = dict(tree_flatten(self.model.parameters()))
            flat = dict(tree_flatten(gradients))
            if self.group:
                total = self.group.sum({name: np.array(value) for name, value in flat.items()})
                flat = {name: mx.array(value, dtype=self.dtype) for name, value in total.items()}
            values = self.optimizer.step(values, flat, float(rate))
            self.model.update(tree_unflatten(list(values.items())))
            self.states = [
                state if getattr(spec, "carry_state", False) else None
                for spec, state in zip(self.specs, after, strict=True)
            ]
            # MLX is lazy: without this the work would be done after the window was timed.
            mx.eval(loss, values, self.states, self.optimizer.first, self.optimizer.second)
            losses.append(loss.item())
        return np.array(losses)

    def gradients(self, batch: Batch) -> Weights:
        fields = {name: mx.array(field) for name, field in batch.items()}
        return self.canonical(self.differentiate(fields, [None] * len(self.specs))[1])

    def logits(self, batch: Batch) -> Array:
        return np.array(self.forward(mx.array(batch["inputs"]), [None] * len(self.specs))[0])

    def memory(self) -> DeviceMemory:
        return DeviceMemory()

    def forward(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        after = []
        for layer, state in zip(self.model.layers, states, strict=True):
            if isinstance(layer, Stack):
                x, state = layer(x, state)
            else:
                x = layer(x)
            after.append(state)
        return x, after

    def loss(self, batch: Batch, states: list[Any]) -> tuple[Any, list[Any]]:
        logits, after = self.forward(batch["inputs"], states)
        losses = cross_entropy(logits, batch["targets"])
        valid = mx.ones_like(losses)
        if "targets_mask" in batch:
            valid = batch["targets_mask"].astype(losses.dtype)
        count = batch["count"].astype(losses.dtype) if "count" in batch else valid.sum()
        return (losses * valid).sum() / count, after

    def canonical(self, tree: Any) -> Weights:
        flat = dict(tree_flatten(tree))
        return {name: turned(name, np.array(flat[path])) for name, path in self.paths.items()}


def turned(name: str, value: Array) -> Array:
    """Kernels are (inputs, outputs) in the comparison and (outputs, inputs) in MLX."""
    return value.T if name.endswith((".kernel", ".recurrent")) else value


class Optimizer:
    """MLX's own optimisers keep the learning rate and Adam's correction in float32."""

    def __init__(self, spec: OptimizerSpec) -> None:
        if spec.nesterov or spec.clip_norm is not None or spec.name == "adamw":
            raise Unsupported("nesterov, clipping and adamw")
        self.spec = spec
        self.steps = 0
        self.first: dict[str, Any] = {}
        self.second: dict[str, Any] = {}

    def step(
        self, values: dict[str, Any], gradients: dict[str, Any], rate: float
    ) -> dict[str, Any]:
        self.steps += 1
        rule = self.momentum if self.spec.name == "sgd" else self.adam
        return {name: values[name] - rate * rule(name, g) for name, g in gradients.items()}

    def momentum(self, name: str, g: Any) -> Any:
        self.first[name] = self.spec.momentum * self.first.get(name, 0.0) + g
        return self.first[name]

    def adam(self, name: str, g: Any) -> Any:
        b1, b2 = self.spec.beta1, self.spec.beta2
        m = self.first[name] = b1 * self.first.get(name, 0.0) + (1 - b1) * g
        v = self.second[name] = b2 * self.second.get(name, 0.0) + (1 - b2) * g * g
        m_hat, v_hat = m / (1 - b1**self.steps), v / (1 - b2**self.steps)
        return m_hat / (mx.sqrt(v_hat) + self.spec.epsilon)
