"""A sweep on a real Ray cluster: two nodes on this machine, each of one CPU."""

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ADAPTERS, ROOT, Compare, begin, command, document, environment, needs

pytestmark = [needs("ray"), pytest.mark.slow, pytest.mark.xdist_group("ray")]

SLOW = ("--task", "lm", "--preset", "tiny", "--backend", f"{ADAPTERS / 'trouble.py'}:slow",
        "--steps", "20")  # fmt: skip
SIX = (*SLOW, "--sweep", "train.batch=2,3,4,5,6,7")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that plays nothing, and two nodes."""
    from ray.cluster_utils import Cluster

    started = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    for _ in range(2):
        started.add_node(num_cpus=1)
    started.wait_for_nodes()
    yield started
    started.shutdown()


def manifest(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("results/*/sweep.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def wait_until_two_play(folder: Path) -> list[dict[str, Any]]:
    """The attempts once two points are played, and a worker of each has its inputs."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if list(folder.glob("results/*/sweep.json")):
            going = [one for one in manifest(folder)["attempts"] if not one["outcome"]]
            if len(going) == 2 and len(workers("inputs")) == 2:
                return going
        time.sleep(0.1)
    raise AssertionError("no two points were played")


def records_of_points() -> set[Path]:
    """Where points are played; with what earlier tests left there, killed."""
    return set(Path(tempfile.gettempdir()).glob("compare-*/*/*/records.jsonl"))


def wait_until_two_are_measured(before: set[Path]) -> None:
    """Until both have written windows, where they are played."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        written = records_of_points() - before
        if sum('"kind":"window"' in path.read_text() for path in written) >= 2:
            return
        time.sleep(0.1)
    raise AssertionError("no two points were measured")


def workers(last: str = "") -> list[psutil.Process]:
    """The processes that play a cell of a point here, or ask who it is; with what ends so alone."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(ADAPTERS / "trouble.py") in line and line[-1].endswith(last):
            found.append(process)
    return found


def require_no_workers() -> None:
    deadline = time.monotonic() + 60
    while workers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers() == []


def test_a_node_that_is_lost_loses_no_point(cluster: Any, compare: Compare, tmp_path: Path) -> None:
    """And no two points share a node; what comes out is what comes out here."""
    going = begin(tmp_path, *SIX, "--cluster", f"ray={cluster.address}", "--json")
    playing = wait_until_two_play(tmp_path)
    gone = cluster.list_all_nodes()[-1]
    cluster.remove_node(gone, allow_graceful=False)
    output, errors = going.communicate(timeout=300)
    assert going.returncode == 0, errors
    found = json.loads(output)
    assert [len(point["summary"]["cells"][0]["losses"]) for point in found["points"]] == [20] * 6

    attempts = manifest(tmp_path)["attempts"]
    (lost,) = [one for one in attempts if one["outcome"] == "lost"]
    assert lost["point"] in [one["point"] for one in playing]
    assert gone.node_id[:6] in lost["stage"]
    assert lost["why"]
    assert f"{lost['point']} on {lost['stage']} lost: " in errors
    done = [one for one in attempts if one["outcome"] == "done"]
    assert sorted(one["point"] for one in done) == [f"batch={batch}" for batch in range(2, 8)]
    assert len(attempts) == 7
    for one, other in combinations(attempts, 2):
        apart = one["ended"] <= other["started"] or other["ended"] <= one["started"]
        assert apart or one["stage"] != other["stage"]

    (folder,) = (tmp_path / "results").iterdir()
    for path in folder.glob("*/records.jsonl"):
        header = json.loads(path.read_text().partition("\n")[0])
        ours = {"OMP_NUM_THREADS", "LD_PRELOAD"} & set(os.environ)  # Ray sets both
        assert {"OMP_NUM_THREADS", "LD_PRELOAD"} & set(header["environment"]) == ours
        assert header["command"] == found["command"]
    here = document(compare(*SIX, "--json"))
    assert said(here) == said(found)


def said(found: dict[str, Any]) -> list[Any]:
    """What a report says of each point but for its timings."""
    return [
        (
            point["name"],
            point["summary"]["experiment"],
            point["summary"]["fingerprint"],
            [(cell["backend"], cell["status"], cell["losses"], cell["validation_loss"])
             for cell in point["summary"]["cells"]],
        )
        for point in found["points"]
    ]  # fmt: skip


def test_who_is_interrupted_ends_everything_and_keeps_what_was_measured(
    cluster: Any, tmp_path: Path
) -> None:
    before = records_of_points()
    going = begin(tmp_path, *SIX, "--cluster", f"ray={cluster.address}", "--quiet")
    wait_until_two_play(tmp_path)
    wait_until_two_are_measured(before)
    going.send_signal(signal.SIGTERM)
    going.communicate(timeout=120)
    assert going.returncode == 128 + signal.SIGTERM
    require_no_workers()
    attempts = manifest(tmp_path)["attempts"]
    assert [one["outcome"] for one in attempts] == ["interrupted"] * 2
    begun = list(tmp_path.glob("results/*/*/records.jsonl"))
    assert {path.parent.name for path in begun} <= {one["point"] for one in attempts}
    assert begun


def test_who_is_killed_leaves_nothing_behind(cluster: Any, tmp_path: Path) -> None:
    going = begin(tmp_path, *SIX, "--cluster", f"ray={cluster.address}", "--quiet")
    wait_until_two_play(tmp_path)
    going.kill()
    going.communicate(timeout=120)
    require_no_workers()
    (folder,) = (tmp_path / "results").iterdir()
    finished = subprocess.run(
        command("resume", str(folder), "--cluster", f"ray={cluster.address}", "--quiet"),
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert len(list(folder.glob("*/summary.json"))) == 6


def test_a_cluster_that_is_not_there_is_told_in_one_line(compare: Compare, tmp_path: Path) -> None:
    finished = compare(*SIX, "--cluster", "ray=127.0.0.1:1", "--quiet")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "--cluster ray=127.0.0.1:1: no such cluster" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_the_lines_of_the_page_run(
    cluster: Any, compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the cluster that this machine is in."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    page = (ROOT / "docs" / "sweeps.md").read_text("utf-8").partition("## On a Ray cluster")[2]
    spread, resume = re.findall(r"^    (compare .+)$", page, re.MULTILINE)
    quick = ["--preset", "tiny", "--backend", "reference", "--steps", "10"]
    finished = compare(*spread.split()[1:], *quick)
    assert finished.returncode == 0, finished.stderr
    (folder,) = (tmp_path / "results").iterdir()
    assert [one["outcome"] for one in manifest(tmp_path)["attempts"]] == ["done"] * 4
    finished = compare(*resume.replace("results/SWEEP", str(folder)).split()[1:])
    assert finished.returncode == 0, finished.stderr
    assert len(manifest(tmp_path)["attempts"]) == 4  # nothing was left
