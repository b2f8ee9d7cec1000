"""The loop of Flax's examples: an `nnx` module, `nnx.jit`, and optax's own AdamW."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from plain import Plain, architecture

from compare.contracts import Array, Batch, Batches, Unsupported, Weights
from compare.spec import Experiment, OptimizerSpec

LIBRARIES = ("jax", "flax", "optax")

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_default_matmul_precision", "highest")


class Block(nnx.Module):
    def __init__(self, spec: Any, rngs: nnx.Rngs) -> None:
        width = spec.width
        self.heads = spec.heads
        self.norm_1 = nnx.LayerNorm(width, epsilon=spec.epsilon, rngs=rngs)
        self.qkv = nnx.Linear(width, 3 * width, rngs=rngs)
        self.out = nnx.Linear(width, width, rngs=rngs)
        self.norm_2 = nnx.LayerNorm(width, epsilon=spec.epsilon, rngs=rngs)
        self.inner = nnx.Linear(width, spec.hidden, rngs=rngs)
        self.outer = nnx.Linear(spec.hidden, width, rngs=rngs)

    def __call__(self, x: jax.Array, mask: jax.Array) -> jax.Array:
        heads = (*x.shape[:2], self.heads, -1)  # (batch, time, heads, width of one)
        q, k, v = (p.reshape(heads) for p in jnp.split(self.qkv(self.norm_1(x)), 3, axis=-1))
        x = x + self.out(nnx.dot_product_attention(q, k, v, mask=mask).reshape(x.shape))
        return x + self.outer(nnx.gelu(self.inner(self.norm_2(x)), approximate=True))


class Gpt(nnx.Module):
    def __init__(self, layers: Any, rngs: nnx.Rngs) -> None:
        embedding, positions, *blocks, norm, _ = layers
        self.embedding = nnx.Embed(embedding.vocab, embedding.dim, rngs=rngs)
        self.positions = nnx.Embed(positions.length, positions.dim, rngs=rngs)
        self.blocks = nnx.List([Block(block, rngs) for block in blocks])
        self.norm = nnx.LayerNorm(norm.width, epsilon=norm.epsilon, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        mask = nnx.make_causal_mask(x)
        y = self.embedding(x) + self.positions(jnp.arange(x.shape[1]))
        for block in self.blocks:
            y = block(y, mask)
        return self.embedding.attend(self.norm(y))


@nnx.jit
def train_step(model: Gpt, optimizer: nnx.Optimizer[Gpt], x: jax.Array, y: jax.Array) -> jax.Array:
    def loss_of(model: Gpt) -> jax.Array:
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(model)
    optimizer.update(model, gradients)
    return loss


@nnx.jit
def forward(model: Gpt, x: jax.Array) -> jax.Array:
    return model(x)


class Loop(Plain):
    def __init__(self, experiment: Experiment) -> None:
        if architecture(experiment) != "gpt":
            raise Unsupported("a model that is no GPT")
        self.model = Gpt(experiment.model.layers, nnx.Rngs(0))
        self.spec = experiment.optimizer
        self.places = {name: _place(self.model, name) for name in experiment.model.parameters()}

    def load(self, weights: Weights) -> None:
        for name, place in self.places.items():
            place[...] = jnp.array(weights[name])
        self.optimizer = nnx.Optimizer(self.model, _optimizer(self.spec), wrt=nnx.Param)

    def weights(self) -> Weights:
        return {name: np.array(place[...]) for name, place in self.places.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses, rates = [], learning_rates.astype(np.float32)
        for x, y, rate in zip(batches["inputs"], batches["targets"], rates, strict=True):
            self.optimizer.opt_state.hyperparams["learning_rate"][...] = rate
            losses.append(train_step(self.model, self.optimizer, x, y))
        jax.block_until_ready((nnx.state(self.model), losses))
        return np.array(jax.device_get(losses))

    def logits(self, batch: Batch) -> Array:
        return np.asarray(forward(self.model, batch["inputs"]))


def _optimizer(spec: OptimizerSpec) -> optax.GradientTransformation:
    @optax.inject_hyperparams
    def made(learning_rate: float) -> optax.GradientTransformation:
        mask = partial(jax.tree.map, lambda value: value.ndim >= 2)  # biases and norms do not decay
        rule = optax.adamw(
            learning_rate, spec.beta1, spec.beta2, spec.epsilon,
            weight_decay=spec.weight_decay, mask=mask,
        )  # fmt: skip
        clip = optax.clip_by_global_norm(spec.clip_norm) if spec.clip_norm else optax.identity()
        return optax.chain(clip, rule)

    return made(learning_rate=spec.learning_rate)


_PARTS = {
    "attention.norm": "norm_1",
    "attention.qkv": "qkv",
    "attention.out": "out",
    "feedforward.norm": "norm_2",
    "feedforward.in": "inner",
    "feedforward.out": "outer",
}
_OWN = {"table": "embedding", "shift": "bias"}


def _place(model: Gpt, name: str) -> Any:
    """The variable that holds a canonical parameter: layouts are alike."""
    *path, last = name.split(".")
    owner: Any = model
    if path[0] == "block":
        owner = getattr(model.blocks[int(path[1])], _PARTS[".".join(path[2:])])
    else:
        owner = getattr(model, path[0])
    return getattr(owner, _OWN.get(last, last))
