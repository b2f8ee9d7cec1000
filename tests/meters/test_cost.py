"""The cost of a step by its specification, against what frameworks count of the real thing."""

import math
from typing import Any

import numpy as np
import pytest
from conftest import needs

from compare.contracts import Batch, Batches, Device
from compare.contracts.loading import load_backend, load_task
from compare.meters.cost import (
    Operation,
    expected_memory,
    flops_per_step,
    operations,
    roofline_seconds,
)
from compare.planning.overrides import resolve
from compare.plugins import installed
from compare.spec import (
    AnyLayer,
    CrossAttention,
    Cut,
    Dense,
    Dropout,
    Embedding,
    Experiment,
    LayerNorm,
    ModelSpec,
    OptimizerSpec,
    Pool,
    PositionalEmbedding,
    Recurrent,
    TiedHead,
    TrainSpec,
    TransformerBlock,
)
from compare.spec.dropout import with_dropout_masks
from compare.spec.weights import initial_weights

VOCAB, ROWS, TIME, SOURCE_TIME, WIDTH = 1000, 8, 12, 9, 64
EMBEDDING = Embedding(vocab=VOCAB, dim=WIDTH)
SOURCE = Embedding(name="source", vocab=VOCAB, dim=WIDTH)
HEAD = Dense(name="head", inputs=WIDTH, outputs=VOCAB)
GRU = Recurrent(cell="gru", inputs=WIDTH, hidden=WIDTH, layers=1, carry_state=False)


def recurrent(cell: str) -> ModelSpec:
    layer = Recurrent.model_validate({"cell": cell, "inputs": WIDTH, "hidden": 96, "layers": 2})
    return ModelSpec(layers=(EMBEDDING, layer, Dense(name="head", inputs=96, outputs=VOCAB)))


def blocks(name: str, **options: Any) -> tuple[AnyLayer, ...]:
    return tuple(
        TransformerBlock(name=f"{name}.{i}", width=WIDTH, heads=4, hidden=2 * WIDTH, **options)
        for i in range(2)
    )


GPT = (EMBEDDING, PositionalEmbedding(length=TIME, dim=WIDTH), *blocks("b"), LayerNorm(width=WIDTH))
MODELS = {
    "elman": recurrent("elman"),
    "lstm": recurrent("lstm"),
    "gru": recurrent("gru"),
    "gpt": ModelSpec(layers=(*GPT, HEAD)),
    "tied, rotary, dropout": ModelSpec(
        layers=(EMBEDDING, *blocks("b", rotary=True, norm="rms", dropout=0.1), TiedHead())
    ),
    "encoder-decoder": ModelSpec(
        encoder=(SOURCE, *blocks("encoder", causal=False)),
        layers=(EMBEDDING, *blocks("decoder", memory=WIDTH), HEAD),
    ),
    "recurrent encoder-decoder": ModelSpec(
        encoder=(SOURCE, GRU.model_copy(update={"name": "reader"})),
        layers=(EMBEDDING, GRU, CrossAttention(width=WIDTH, memory=WIDTH, heads=4), HEAD),
    ),
    "classifier": ModelSpec(
        layers=(EMBEDDING, Dropout(width=WIDTH, rate=0.2), *blocks("b"), Pool(), HEAD)
    ),
}


def experiment(
    model: ModelSpec, optimizer: OptimizerSpec | None = None, **train: Any
) -> Experiment:
    widths = {"inputs": TIME, "targets": 1 if model.classifies() else TIME}
    widths |= {"source": SOURCE_TIME} if model.encoder else {}
    cuts = {name: Cut(array="a", starts="s", width=width) for name, width in widths.items()}
    return Experiment(
        task="t", model=model, optimizer=optimizer or OptimizerSpec(), splits={"train": cuts},
        train=TrainSpec.model_validate({"batch": ROWS, "steps": 1} | train),
        data={}, data_sha256="", weights_sha256="",
    )  # fmt: skip


def preset(task_name: str, name: str) -> Experiment:
    task = load_task(task_name)
    settings = resolve(task, name, [])
    prepared = task.prepare(settings)
    return Experiment(
        task=task_name, model=prepared.model, optimizer=settings.optimizer, train=settings.train,
        splits=prepared.splits, data={}, data_sha256="", weights_sha256="",
    )  # fmt: skip


def batches(spec: Experiment) -> Batches:
    """One step's fields, (1, rows, time)."""
    random = np.random.default_rng(0)
    fields = {
        name: random.integers(0, VOCAB, (1, ROWS, cut.width)).astype(np.int32)
        for name, cut in spec.splits["train"].items()
    }
    return with_dropout_masks(fields, spec.model, spec.train, 0)


def batch(spec: Experiment) -> Batch:
    return {name: field[0] for name, field in batches(spec).items()}


def built(backend: str, mode: str, spec: Experiment) -> Any:
    opened = load_backend(backend)
    opened.open(mode, 1)
    trainer = opened.build(spec, Device("cpu"))
    trainer.load(initial_weights(spec.model, 1))
    return trainer


def matmul_flops(spec: Experiment) -> float:
    return sum(operation.flops for operation in operations(spec) if operation.matmul)


def total_bytes(spec: Experiment) -> float:
    return sum(operation.bytes for operation in operations(spec))


@needs("torch")
@pytest.mark.parametrize("name", MODELS)
def test_matrix_products_are_those_that_torch_dispatches(name: str) -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    spec = experiment(MODELS[name])
    # `gradients` is not compiled. The mode's loops over time are seen, where a fused LSTM on a
    # CPU is one operation that the counter knows nothing of, as it knows nothing of fused
    # attention on a CPU: hence attention as the formula has it.
    trainer = built("torch", "compile", spec)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        trainer.gradients(batch(spec))
    assert matmul_flops(spec) == counter.get_total_flops()


@needs("torch")
def test_micro_batches_change_no_flops_but_read_the_weights_again() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    whole, parts = experiment(MODELS["elman"]), experiment(MODELS["elman"], accumulation=4)
    trainer = built("torch", "eager", parts)
    with FlopCounterMode(display=False) as counter:
        trainer.train(batches(parts), np.array([0.1]))
    assert matmul_flops(parts) == matmul_flops(whole) == counter.get_total_flops()
    weights = expected_memory(whole).weights
    # Three more times: read forward and backward, written as gradients and added up.
    assert total_bytes(parts) > total_bytes(whole) + 3 * 3 * weights
    assert expected_memory(parts).activations == expected_memory(whole).activations / 4


@needs("jax", "flax", "optax")
@pytest.mark.parametrize("name", MODELS)
def test_all_flops_are_those_that_xla_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the program as it is written: a compiler may compute cheap things twice. XLA counts
    # exp, tanh and the like apart. Transformers are within 0.2%; an unrolled loop adds up more
    # gradients, of each step's weight and inputs, which is 1.6% of an LSTM here.
    analysis = _lowered(name, monkeypatch).cost_analysis()
    counted = analysis["flops"] + analysis["transcendentals"]
    assert flops_per_step(experiment(MODELS[name])) == pytest.approx(counted, rel=0.02)


@needs("jax", "flax", "optax")
@pytest.mark.parametrize("name", ["elman", "gpt"])
def test_bytes_and_memory_are_near_those_of_a_compiled_program(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled, spec = _lowered(name, monkeypatch).compile(), experiment(MODELS[name])
    # A real program also moves what is not compulsory, such as the several passes of a softmax.
    assert 0.25 < total_bytes(spec) / compiled.cost_analysis()["bytes accessed"] < 1
    # Weights and moments are its arguments. In between it holds activations and gradients, not
    # all of them at once: the first are freed while the others come into being.
    held, expected = compiled.memory_analysis().temp_size_in_bytes, expected_memory(spec)
    assert expected.activations < held < 1.2 * (expected.activations + expected.gradients)


def _lowered(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """JAX's step, not compiled yet, its loops over time unrolled: XLA counts a body once."""
    from compare.backends.jax import recurrent

    for cell in recurrent.CELLS.values():
        monkeypatch.setattr(cell, "unroll", TIME)
    spec = experiment(MODELS[name])
    jax = built("jax", "jit", spec)
    rate = np.float32(0.1)
    return jax.step.lower(jax.params, jax.moments, jax.states, jax.key, batch(spec), rate)


@needs("torch")
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("gpt", 0.99, 1.02), ("encoder-decoder", 0.99, 1.02), ("elman", 1.0, 1.2), ("lstm", 1.0, 1.2)],
)
def test_activations_are_those_that_torch_saves(name: str, least: float, most: float) -> None:
    """Its loops over time save some more: the state of each step, and all of them stacked."""
    from torch import Tensor
    from torch.autograd.graph import saved_tensors_hooks
    from torch.nn.attention import SDPBackend, sdpa_kernel

    spec = experiment(MODELS[name])
    trainer, kept = built("torch", "compile", spec), {}
    own = {parameter.untyped_storage().data_ptr() for parameter in trainer.parameters}

    def keep(saved: Tensor) -> Tensor:
        kept[saved.untyped_storage().data_ptr()] = saved  # alive, so that no address comes twice
        return saved

    with sdpa_kernel(SDPBackend.MATH), saved_tensors_hooks(keep, lambda saved: saved):
        trainer.gradients(batch(spec))
    saved = sum(x.untyped_storage().nbytes() for at, x in kept.items() if at not in own)
    gradient_of_logits = ROWS * TIME * VOCAB * 4  # exists, but is not saved
    assert least < saved / (expected_memory(spec).activations - gradient_of_logits) < most


@needs("torch")
@pytest.mark.parametrize(
    ("options", "moments"),
    [
        ({"name": "adam"}, 2),
        ({"name": "adamw", "weight_decay": 0.1}, 2),
        ({"name": "sgd"}, 0),
        ({"name": "sgd", "momentum": 0.9}, 1),
    ],
)
def test_weights_gradients_and_optimizer_state_are_exact(
    options: dict[str, Any], moments: int
) -> None:
    spec = experiment(MODELS["gpt"], OptimizerSpec.model_validate(options))
    expected = expected_memory(spec)
    trainer = built("torch", "eager", spec)
    trainer.train(batches(spec), np.array([0.1]))
    weights = sum(value.nbytes for value in trainer.weights().values())
    state = [
        value.nbytes
        for of_parameter in trainer.optimizer.state.values()
        for value in of_parameter.values()
        if value is not None and value.ndim  # the number of steps is a scalar
    ]
    assert expected.weights == weights
    assert expected.gradients == sum(p.grad.nbytes for p in trainer.parameters)
    assert expected.optimizer_state == sum(state) == moments * weights
    assert expected.total == 2 * weights + sum(state) + expected.activations


def test_the_update_reads_and_writes_every_parameter() -> None:
    count = expected_memory(experiment(MODELS["gpt"])).weights / 4

    def per_parameter(**options: Any) -> dict[str, float]:
        spec = experiment(MODELS["gpt"], OptimizerSpec.model_validate(options))
        found = {operation.name: operation.bytes / count for operation in operations(spec)}
        return {name: found[name] for name in ("clipping", "update") if name in found}

    assert per_parameter(name="adam") == {"update": 7 * 4}  # g; p, m, v in and out
    assert per_parameter(name="sgd") == {"update": 3 * 4}
    assert per_parameter(name="sgd", momentum=0.9) == {"update": 5 * 4}
    assert per_parameter(name="sgd", clip_norm=1.0) == {"clipping": 3 * 4, "update": 3 * 4}


def test_precision_changes_bytes_and_no_flops() -> None:
    wide, single, half = (
        experiment(MODELS["gpt"], dtype=precision) for precision in ("fp64", "fp32", "bf16")
    )
    assert flops_per_step(wide) == flops_per_step(single) == flops_per_step(half)
    assert total_bytes(half) < total_bytes(single) < total_bytes(wide)
    assert expected_memory(half).weights == expected_memory(single).weights
    assert expected_memory(half).activations < expected_memory(single).activations
    assert expected_memory(wide).weights == 2 * expected_memory(single).weights


def test_the_roofline_takes_each_operation_at_its_slower_rate() -> None:
    bound = [Operation("by arithmetic", 100.0, 1.0), Operation("by memory", 1.0, 30.0)]
    assert roofline_seconds(bound, flops_per_second=10.0, bytes_per_second=2.0) == 10.0 + 15.0


@pytest.mark.parametrize("others", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("task", sorted(installed("task")))
def test_every_preset_has_a_cost(task: str, others: bool) -> None:
    for name in set(load_task(task).presets) - {"small"} if others else ["small"]:
        spec = preset(task, name)
        for operation in operations(spec):
            assert operation.flops >= 0, operation
            assert 0 < operation.bytes < math.inf, operation
        memory = expected_memory(spec)
        assert min(memory.weights, memory.gradients, memory.activations) > 0
        assert 0 < flops_per_step(spec) < math.inf


def test_the_default_model_s_step_is_nine_gflop_most_of_them_the_head_s() -> None:
    spec = preset("lm", "small")
    head = sum(o.flops for o in operations(spec) if o.name.startswith("head.kernel"))
    assert head == 6 * 700 * 200 * 10_000
    assert 9.0e9 < flops_per_step(spec) < 10.0e9
    assert head > 0.9 * flops_per_step(spec)
