from pathlib import Path

import pytest

from compare.meters.roofline import probe, speed_check


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
