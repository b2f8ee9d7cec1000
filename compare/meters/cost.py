"""What one training step costs by its specification alone: FLOPs, memory traffic, memory.

A yardstick for what frameworks are measured at, computed without any of them. Where texts of like
length share a batch (`Cut.widths`) it is the cost of a batch of the greatest width.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from compare.meters.memory import require_memory
from compare.meters.tape import Operation, Tape, Tensor
from compare.spec.experiment import Experiment
from compare.spec.layers import (
    CrossAttention,
    Dense,
    Dropout,
    Embedding,
    LayerNorm,
    Pool,
    PositionalEmbedding,
    Recurrent,
    RMSNorm,
    TiedHead,
    TransformerBlock,
)
from compare.spec.model import ModelSpec
from compare.spec.optimizer import OptimizerSpec
from compare.spec.parameters import Layer, Parameters


class ExpectedMemory(NamedTuple):
    """Bytes that a training step has to hold at once, by what they hold.

    `weights`, `gradients` and `optimizer_state` are exact. `activations` are what backward needs
    of one micro-batch's forward pass where nothing is computed twice, attention's probabilities
    included, and the logits with their gradient.

    It is no prediction of a measured peak. Beyond it a process holds its framework, the batches,
    workspace of kernels, results on their way from one operation to the next, and what an
    allocator keeps of freed memory; short of it stays what a framework fuses, computes again
    (attention, above all) or frees before the peak (activations, while gradients come into being).
    """

    weights: int
    gradients: int
    optimizer_state: int
    activations: int

    @property
    def total(self) -> int:
        return sum(self)


def operations(experiment: Experiment) -> list[Operation]:
    """Every operation of one optimiser step: forward, backward, and the update.

    Micro-batches are added up under one name: each reads the weights anew. Operations are fused
    as little as a bias is into its product, or the scale and mask of scores into their softmax,
    and cross-entropy into one pass each way. What a cache keeps from one operation to the next is
    counted as traffic nevertheless.
    """
    parts = experiment.train.accumulation
    recorded = [
        operation._replace(flops=parts * operation.flops, bytes=parts * operation.bytes)
        for operation in _recorded(experiment).operations
    ]
    return recorded + _update(experiment)


def flops_per_step(experiment: Experiment) -> float:
    """FLOPs of one optimiser step, those of elementwise work and of the update included."""
    return sum(operation.flops for operation in operations(experiment))


def roofline_seconds(
    operations: Iterable[Operation], flops_per_second: float, bytes_per_second: float
) -> float:
    """Seconds that the operations take one after the other, each at the machine's peak rate or at
    its memory's, whichever is slower (Williams, Waterman and Patterson 2009).

    A framework may be faster than that, where it fuses operations or finds operands in a cache.
    """
    return sum(
        max(operation.flops / flops_per_second, operation.bytes / bytes_per_second)
        for operation in operations
    )


def expected_memory(experiment: Experiment) -> ExpectedMemory:
    """The memory that a step needs, from the shapes of parameters and activations."""
    tape = _recorded(experiment)
    weights = _size(experiment.model.parameters()) * tape.value_bytes
    state = _moments(experiment.optimizer) * weights
    return ExpectedMemory(weights, weights, state, sum(tape.kept.values()))


def require_memory_for(model: ModelSpec, optimizer: OptimizerSpec | None = None) -> None:
    """Raise UserError where the weights, with an optimiser their gradients and its state too, are
    more than all the memory of this machine. Nothing is allocated for it."""
    size = _size(model.parameters())
    copies = 1 if optimizer is None else 2 + _moments(optimizer)
    more = "" if optimizer is None else ", with gradients and the optimiser's state,"
    require_memory(4 * copies * size, f"the {size:,} parameters of this model{more}")


def _recorded(experiment: Experiment) -> Tape:
    """Forward and backward of one micro-batch."""
    model, train = experiment.model, experiment.train
    tape = Tape(train.batch // train.accumulation, train.dtype)
    cuts, parameters, memory = experiment.splits["train"], model.parameters(), None
    if model.encoder:
        ids = Tensor("source", cuts["source"].width, 1)
        memory = _chain(tape, model.encoder, ids, None, parameters)
    ids = Tensor("inputs", cuts["inputs"].width, 1)
    tape.cross_entropy(_chain(tape, model.layers, ids, memory, parameters))
    return tape


def _chain(
    tape: Tape, layers: Sequence[Layer], x: Tensor, memory: Tensor | None, parameters: Parameters
) -> Tensor:
    for layer in layers:
        match layer:
            case TiedHead():
                x = tape.tied_head(layer.name, x, layer.table, parameters[layer.table].shape[0])
            case CrossAttention():
                x = _cross_attention(tape, layer, x, memory)
            case TransformerBlock():
                x = _block(tape, layer, x, memory)
            case _:
                x = _plain(tape, layer, x)
    return x


def _plain(tape: Tape, layer: Layer, x: Tensor) -> Tensor:
    match layer:
        case Embedding():
            return tape.embedding(layer.name, x, layer.vocab, layer.dim)
        case PositionalEmbedding():
            return tape.positions(layer.name, x, layer.length)
        case Recurrent():
            for index in range(layer.layers):
                x = tape.recurrent(f"{layer.name}.{index}", layer.cell, x, layer.hidden)
            return x
        case Dense():
            return tape.linear(layer.name, x, layer.outputs)
        case LayerNorm():
            return tape.norm(layer.name, x, "layer")
        case RMSNorm():
            return tape.norm(layer.name, x, "rms")
        case Dropout():
            return tape.dropout(layer.name, x, layer.rate)
        case Pool():
            return tape.pool(layer.name, x, layer.how)
    raise ValueError(f"the cost of a layer {layer!r} is not known")


def _block(tape: Tape, spec: TransformerBlock, x: Tensor, memory: Tensor | None) -> Tensor:
    name = f"{spec.name}.attention"
    normed = tape.norm(f"{name}.norm", x, spec.norm)
    projected = tape.linear(f"{name}.qkv", normed, 3 * spec.width)
    y = tape.attention(name, projected, projected, spec.width, spec.heads, spec.rotary)
    x = _onto_residual(tape, name, x, y, spec.dropout)
    cross = spec.cross()
    if cross:
        x = _cross_attention(tape, cross, x, memory)
    name = f"{spec.name}.feedforward"
    inside = tape.linear(f"{name}.in", tape.norm(f"{name}.norm", x, spec.norm), spec.hidden)
    return _onto_residual(tape, name, x, tape.gelu(f"{name}.gelu", inside), spec.dropout)


def _cross_attention(tape: Tape, spec: CrossAttention, x: Tensor, memory: Tensor | None) -> Tensor:
    assert memory is not None  # ModelSpec refuses this layer without an encoder
    normed = tape.norm(f"{spec.name}.norm", x, spec.norm)
    query = tape.linear(f"{spec.name}.query", normed, spec.width)
    both = tape.linear(f"{spec.name}.key_value", memory, 2 * spec.width)
    y = tape.attention(spec.name, query, both, spec.width, spec.heads, rotary=False)
    return _onto_residual(tape, spec.name, x, y, spec.dropout)


def _onto_residual(tape: Tape, name: str, x: Tensor, y: Tensor, dropout: float) -> Tensor:
    """x + dropout(out(y))"""
    out = tape.dropout(name, tape.linear(f"{name}.out", y, x.width), dropout)
    return tape.residual(f"{name}.residual", x, out)


def _update(experiment: Experiment) -> list[Operation]:
    """What happens to gradients once per step, in as few passes over them as there can be."""
    spec, parameters = experiment.optimizer, experiment.model.parameters()
    width = 8 if experiment.train.dtype == "fp64" else 4
    size, moments = _size(parameters), _moments(spec)
    found = []
    more = experiment.train.accumulation - 1
    if more:
        found.append(Operation("accumulation", more * size, more * 3 * size * width))
    if spec.clip_norm is not None:  # one pass reads, the other reads and writes
        found.append(Operation("clipping", 3 * size, 3 * size * width))
    decayed = _size({name: p for name, p in parameters.items() if len(p.shape) >= 2})
    flops = _update_flops(spec) * size + (2 * decayed if spec.weight_decay else 0)
    # The gradient is read; weight and moments are read and written.
    found.append(Operation("update", flops, (1 + 2 * (1 + moments)) * size * width))
    return found


def _update_flops(spec: OptimizerSpec) -> int:
    """Per parameter, by the formulas of `OptimizerSpec`."""
    if spec.name != "sgd":
        return 14
    return 2 + (2 if spec.momentum else 0) + (2 if spec.nesterov else 0)


def _moments(spec: OptimizerSpec) -> int:
    """Values that the optimiser keeps for each parameter."""
    if spec.name != "sgd":
        return 2
    return 1 if spec.momentum else 0


def _size(parameters: Parameters) -> int:
    return sum(math.prod(parameter.shape) for parameter in parameters.values())
