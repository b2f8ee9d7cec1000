"""Every built-in backend and mode through the checks that an outside adapter goes through.

What compiles takes long at it: those are slow tests.
"""

import pytest
from conftest import needs

from compare.conformance.checks import ALONE, names
from compare.planning.selection import choose_cells, find_oracle
from compare.running.checking import check_cell

CELLS = [
    "reference",
    pytest.param("torch:eager", marks=needs("torch")),
    pytest.param("torch:compile", marks=[needs("torch"), pytest.mark.slow]),
    *(
        pytest.param(f"tensorflow:{mode}", marks=[needs("tensorflow"), pytest.mark.slow])
        for mode in ("xla", "graph")
    ),
    *(
        pytest.param(f"jax:{mode}", marks=[needs("jax", "flax", "optax"), pytest.mark.slow])
        for mode in ("jit", "rolled", "multistep")
    ),
    pytest.param("keras:torch", marks=[needs("keras", "torch"), pytest.mark.slow]),
    *(
        pytest.param(f"keras:{mode}", marks=[needs("keras", "tensorflow"), pytest.mark.slow])
        for mode in ("tensorflow-graph", "tensorflow-multistep")
    ),
    pytest.param("keras:tensorflow", marks=[needs("keras", "tensorflow"), pytest.mark.slow]),
    pytest.param("keras:jax", marks=[needs("keras", "jax"), pytest.mark.slow]),
]

EAGER = ("reference", "torch:eager", "keras:torch")
"""Which compile nothing."""
OTHERWISE_STEPPED = ("jax:multistep", "keras:tensorflow-multistep")
"""Modes of the same model as another, whose steps alone are called otherwise"""
OF_STEPS = (
    "state", "optimizer", "training", "several steps", "other shapes", "accumulation",
    "native dropout", "compiled",
)  # fmt: skip


@pytest.mark.gpu
@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("torch:eager", marks=needs("torch")),
        pytest.param("jax", marks=needs("jax", "flax", "optax")),
        pytest.param("keras:torch", marks=needs("keras", "torch")),
        pytest.param("keras:jax", marks=needs("keras", "jax")),
    ],
)
def test_a_built_in_backend_conforms_on_a_gpu(cell: str) -> None:
    (choice,) = choose_cells([cell], {})
    findings = check_cell(choice, find_oracle().adapter, device="cuda:0")
    assert [f for f in findings if f.status == "failed"] == []
    assert "passed" in {f.status for f in findings if f.check == "precision: tf32"}


@pytest.mark.parametrize("cell", CELLS)
def test_a_built_in_backend_conforms(cell: str) -> None:
    (choice,) = choose_cells([cell], {})
    wanted = names()
    if cell in OTHERWISE_STEPPED:
        wanted = [name for name in wanted if name.startswith(OF_STEPS)]
    findings = check_cell(choice, find_oracle().adapter, wanted=wanted)
    assert [f for f in findings if f.status == "failed"] == []
    skipped = {"precision: tf32"}  # it takes a GPU, and is checked where there is one
    if choice.oracle:  # it computes in float64 whatever is asked for, and draws no masks
        skipped |= {"precision: fp32", "precision: bf16", "native dropout: dropout"}
    if cell in EAGER:
        skipped |= {name for name in wanted if name.startswith(ALONE)}
    assert {f.check for f in findings if f.status == "skipped"} == skipped & {*wanted}
    assert [f.check for f in findings] == wanted
