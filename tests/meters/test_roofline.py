from pathlib import Path

import pytest

from compare.meters import roofline as roofs
from compare.meters.roofline import probe, speed_check


@pytest.fixture(autouse=True)
def _free_choice_of_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some machines set one of these for all that runs on them."""
    for name in roofs._NARROWING:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.slow
def test_the_roofs_of_this_machine_are_sane() -> None:
    roofline, problem = probe(1)
    assert problem == ""
    assert roofline is not None
    # Between a computer of the last century and a whole supercomputer of today.
    assert 1e8 < roofline.flops_per_second < 1e18
    assert 1e8 < roofline.bytes_per_second < 1e16


def test_a_probe_that_fails_says_why_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError('libblas.so: no such file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reason = "the roofline probe failed: ImportError: libblas.so: no such file"
    assert probe(1) == (None, reason)


def test_the_speed_check_tells_seconds() -> None:
    assert 0 < speed_check() < 60


@pytest.mark.slow
def test_variables_that_hold_a_library_to_some_kernels_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("MKL_ENABLE_INSTRUCTIONS", "AVX2")
    roofline, problem = probe(1)
    assert problem == ""
    assert roofline is not None
    assert roofline.narrowed_by == ("MKL_ENABLE_INSTRUCTIONS", "OPENBLAS_CORETYPE")


def test_a_probe_takes_what_is_set_where_the_free_choice_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os\nif 'OPENBLAS_CORETYPE' not in os.environ: raise SystemExit('bad kernels')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    roofline, problem = probe(1)
    assert problem == ""
    assert roofline is not None
    assert roofline.flops_per_second > 1e8
    assert roofline.narrowed_by == ("OPENBLAS_CORETYPE",)


def test_a_wrong_product_is_no_roof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, sys\n"
        "class Wrong:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy.random':\n"
        "            import numpy\n"
        "            right = numpy.matmul\n"
        "            numpy.matmul = lambda a, b, out=None: right(a, 1.5 * b, out=out)\n"
        "sys.meta_path.insert(0, Wrong())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    roofline, problem = probe(1)
    assert roofline is None
    assert problem.startswith("the roofline probe failed: ArithmeticError: NumPy's product of ")
