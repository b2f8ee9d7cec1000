"""Whose machine it was: what a run records of others, of its workers' children, of the machine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ADAPTERS, Compare, cell, document, needs

from compare.meters.threads import usable_cpus

pytestmark = pytest.mark.usefixtures("all_cpus")
TINY = ("--task", "lm", "--preset", "tiny", "--json")
TROUBLE = str(ADAPTERS / "trouble.py")
HOLDING = "held = b'x' * 300000000; import time; time.sleep(1000)"


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    (path,) = folder.glob("results/*/records.jsonl")
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [record for record in found if record["kind"] == kind]


@pytest.fixture
def a_busy_process() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    process.kill()
    process.wait()


def test_more_threads_than_cpus_are_refused(compare: Compare, tmp_path: Path) -> None:
    finished = compare(*TINY, "--threads", "640")
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert line.startswith("compare: --threads 640: only ")
    assert line.endswith(f"take --threads {usable_cpus()}")
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("a_busy_process")
def test_what_others_take_of_the_cpus_is_recorded_beforehand_and_in_each_window(
    compare: Compare, tmp_path: Path
) -> None:
    asked = ("--backend", "reference", "--precision", "90%", "--budget", "5s")
    assert compare(*TINY, *asked).returncode == 0
    (header,) = records(tmp_path, "header")
    assert any(one["cpus"] > 0.3 for one in header["busy"])
    timed = [w for w in records(tmp_path, "window") if w["role"] == "beyond"]
    # The busy process takes a CPU, or half of one where there is but one.
    assert all(w["others_cpu_seconds"] / w["seconds"] > 0.4 for w in timed)
    assert all(w["queue_seconds"] is not None for w in timed)


@pytest.mark.slow
def test_what_a_child_of_a_worker_holds_is_in_its_windows(compare: Compare, tmp_path: Path) -> None:
    assert compare(*TINY, "--backend", f"{TROUBLE}:has_a_child").returncode == 0
    windows = records(tmp_path, "window")
    assert windows[0]["children_peak_bytes"] == 0
    assert windows[-1]["children_peak_bytes"] > 300_000_000
    left = [p for p in psutil.process_iter(["cmdline"]) if HOLDING in (p.info["cmdline"] or [])]
    assert left == []  # it ended with its worker


@pytest.mark.slow
@needs("torch")
def test_each_framework_s_own_product_is_measured(compare: Compare, tmp_path: Path) -> None:
    asked = ("--set", "run.roofline=true", "--backend", f"torch,reference,{TROUBLE}:none")
    assert compare(*TINY, *asked).returncode == 0
    found = {r["cell"]["backend"]: r["flops_per_second"] for r in records(tmp_path, "multiplied")}
    assert found["torch"] > 1e9
    assert found["reference"] > 1e9
    assert found["trouble"] is None  # an adapter need not offer it


@pytest.mark.slow
def test_outputs_are_told_apart_by_their_hashes_the_echo_s_too(
    compare: Compare, tmp_path: Path
) -> None:
    asked = ("--task", "sentiment", "--preset", "tiny", "--json")
    backends = ("--backend", f"reference,{TROUBLE}:none")
    assert compare(*asked, *backends, "--steps", "20").returncode == 0
    evaluated = records(tmp_path, "evaluated")
    assert [one["cell"]["echo"] for one in evaluated].count(True) == 1
    hashes = [one["outputs"] for one in evaluated]
    assert len(hashes) == 3
    assert len(hashes[0]) > 10
    assert hashes[0] == hashes[1] == hashes[2]  # of classes, which no rounding changed here


@pytest.mark.slow
def test_where_memory_ran_out_it_is_told_that_a_cell_may_fit_alone(compare: Compare) -> None:
    found = document(compare(*TINY, "--backend", f"reference,{TROUBLE}:killed"))
    reason = cell(found, "trouble")["reason"]
    assert "as the system does when memory runs out" in reason
    assert reason.endswith(f"it may fit with --backend {TROUBLE}:killed")


@pytest.mark.slow
def test_a_worker_that_goes_on_while_others_are_timed_is_named(compare: Compare) -> None:
    asked = ("--precision", "1%", "--set", "run.wait_for_quiet=false")
    early = f"{TROUBLE}:returns_early"
    many = compare(*TINY, *asked, "--budget", "30s", "--backend", f"reference,{early}")
    found = document(many)
    (note,) = [n for n in found["notes"] if "while others were timed" in n["text"]]
    assert (note["grade"], note["cells"]) == ("breaks", ["trouble:returns_early"])
    assert found["comparisons"][0]["verdict"] == "not judged"
    few = compare(*TINY, *asked, "--budget", "4s", "--backend", f"reference,{TROUBLE}:none")
    quiet = document(few)
    assert not any("while others were timed" in note["text"] for note in quiet["notes"])


@pytest.mark.slow
def test_all_rounds_are_on_one_device_whoever_is_left_and_who_held_it_back_is_named(
    compare: Compare, tmp_path: Path
) -> None:
    both = f"{TROUBLE}:two_devices,{TROUBLE}:raises"  # the second one sees a CPU alone, and fails
    found = document(compare(*TINY, "--rounds", "3", "--backend", both))
    built = records(tmp_path, "built")
    assert {one["round"] for one in built if one["cell"]["mode"] == "two_devices"} == {1, 2, 3}
    assert {one["device"] for one in built} == {"cpu"}
    (note,) = [note for note in found["notes"] if "no cuda device" in note["text"]]
    assert note["cells"] == ["trouble:raises"]
    assert note["remedy"].startswith("--device cuda insists")


def test_a_device_is_named_as_its_maker_does(compare: Compare) -> None:
    found = document(compare(*TINY, "--device", "cuda", "--backend", f"{TROUBLE}:two_devices"))
    (row,) = found["cells"]
    assert (row["device"], row["device_name"]) == ("cuda:0", "a card")
