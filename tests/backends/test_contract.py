"""Every built-in backend and mode against the reference, in float64, to 1e-12."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment, needs

CELLS = [
    pytest.param("reference", "numpy"),
    pytest.param("torch", "eager", marks=needs("torch")),
    pytest.param("torch", "compile", marks=[needs("torch"), pytest.mark.slow]),
    pytest.param("tensorflow", "graph", marks=needs("tensorflow")),
    pytest.param("tensorflow", "xla", marks=needs("tensorflow")),
    pytest.param("jax", "jit", marks=needs("jax", "flax", "optax")),
    pytest.param("keras", "tensorflow", marks=needs("keras", "tensorflow")),
    pytest.param("keras", "jax", marks=needs("keras", "jax")),
    pytest.param("keras", "torch", marks=needs("keras", "torch")),
]


@pytest.mark.parametrize(("backend", "mode"), CELLS)
def test_a_backend_keeps_the_contract(backend: str, mode: str, tmp_path: Path) -> None:
    script = Path(__file__).parent / "contract.py"
    finished = subprocess.run(
        [sys.executable, str(script), backend, mode],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-2000:]
