"""Whole runs in real processes, above all the ones that go wrong."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conftest import ADAPTERS, Compare, cell, command, document, environment, needs

from compare.running import echo

TROUBLE = str(ADAPTERS / "trouble.py")
TINY = ("--task", "lm", "--preset", "tiny", "--json")
RECORDS = "results/*/records.jsonl"


def test_one_backend_runs_alone_and_prints_what_was_promised(compare: Compare) -> None:
    finished = compare(*TINY, "--backend", "reference", "--steps", "30")
    assert finished.returncode == 0
    found = document(finished)
    assert {"run_id", "experiment", "floor", "cells", "environment"} <= set(found)
    row = cell(found, "reference")
    assert (row["mode"], row["status"], row["reason"]) == ("numpy", "ok", "")
    assert len(row["losses"]) == 30
    assert row["losses"][-1] < row["losses"][0]
    assert row["parameters"] == 200 * 16 + 2 * (16 * 16 * 2 + 16) + 16 * 200 + 200
    assert row["perplexity"] == pytest.approx(2.718281828 ** row["validation_loss"], rel=1e-6)
    rate = row["tokens_per_second"]
    assert rate["low"] < rate["value"] < rate["high"]
    assert row["step_seconds"] == pytest.approx(4 * 8 / rate["value"])
    assert row["peak_memory_bytes"] >= row["idle_memory_bytes"] > 10e6
    assert row["max_loss_difference"] is None  # there is nobody to differ from
    assert found["floor"] < row["validation_loss"]


def test_the_run_folder_has_reports_records_and_logs(compare: Compare, tmp_path: Path) -> None:
    assert compare(*TINY, "--backend", "reference", "--out", "mine").returncode == 0
    (folder,) = (tmp_path / "mine").iterdir()
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "records.jsonl", "logs", "plots", "report.html", "report.md", "summary.csv",
        "summary.json",
    }  # fmt: skip
    kinds = [json.loads(line)["kind"] for line in (folder / "records.jsonl").open()]
    assert kinds[0] == "header"
    assert kinds[-2:] == ["ended", "speed_check"]


@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [
        ("killed", "failed", "killed by SIGKILL, as the system does when memory runs out"),
        ("exits", "failed", "ended with exit code 3"),
        ("out_of_memory", "failed", "MemoryError: cannot allocate 8 GiB"),
        ("raises", "failed", "RuntimeError: <script>alert(1)</script> | a ("),
        ("few_losses", "failed", "losses for"),
        ("wrong_rate", "parity_failed", "away from the others"),
        ("nan", "parity_failed", "the loss is not finite from step"),
    ],
)
def test_one_that_goes_wrong_leaves_the_others_whole(
    compare: Compare, mode: str, status: str, reason: str
) -> None:
    finished = compare(*TINY, "--backend", f"reference,{TROUBLE}:{mode}")
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    found = document(finished)
    good, bad = cell(found, "reference"), cell(found, "trouble")
    assert (good["status"], len(good["losses"])) == ("ok", 60)
    assert good["validation_loss"] is not None
    assert bad["status"] == status
    assert reason in bad["reason"]
    assert "\n" not in bad["reason"]
    assert bad["ratio_to_fastest"] is None  # out of the ranking
    if mode == "exits":
        assert "the framework's last words" in bad["log_tail"]


@pytest.mark.slow
def test_a_wrong_learning_rate_shows_within_twenty_steps(compare: Compare, tmp_path: Path) -> None:
    found = document(compare(*TINY, "--backend", f"reference,{TROUBLE}:wrong_rate"))
    step = int(cell(found, "trouble")["reason"].split()[2])
    assert step < 20
    (records,) = tmp_path.glob(RECORDS)
    assert '"kind":"echoed"' not in records.read_text()  # so far off, no echo would help


@pytest.mark.slow
def test_one_that_is_slightly_off_is_held_against_more_echoes(
    compare: Compare, tmp_path: Path
) -> None:
    found = document(compare(*TINY, "--backend", f"reference,{TROUBLE}:slightly_off"))
    row = cell(found, "trouble")
    assert row["status"] == "parity_failed"
    assert "the loss is 2.0e-05 away" in row["reason"]
    assert any("its echo was trained 5 times" in note["text"] for note in found["notes"])
    (records,) = tmp_path.glob(RECORDS)
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    echoes = [line["losses"] for line in lines if line["kind"] == "echoed"]
    assert [len(losses) for losses in echoes] == [60] * (echo.TRAININGS - 1)
    assert len({tuple(losses) for losses in echoes}) == len(echoes)


@pytest.mark.slow
def test_a_worker_that_hangs_is_killed_at_its_deadline(compare: Compare, tmp_path: Path) -> None:
    began = time.monotonic()
    finished = compare(*TINY, "--backend", f"reference,{TROUBLE}:hangs", "--set", "run.timeout=3")
    row = cell(document(finished), "trouble")
    assert (finished.returncode, row["status"]) == (1, "failed")
    assert "no answer to 'train' within 3 s" in row["reason"]
    assert time.monotonic() - began < 60
    assert not [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(tmp_path)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("missing", f"a_framework_that_nobody_has is not installed: {TROUBLE}:"),
        ("unsupported", "not supported: elman"),
    ],
)
def test_what_is_not_there_is_skipped_not_wrong(compare: Compare, mode: str, reason: str) -> None:
    finished = compare(*TINY, "--backend", f"reference,{TROUBLE}:{mode}")
    row = cell(document(finished), "trouble")
    assert (finished.returncode, row["status"]) == (0, "skipped")
    assert row["reason"].startswith(reason)


def test_where_nothing_could_run_the_exit_code_says_so(compare: Compare) -> None:
    finished = compare(*TINY, "--backend", f"{TROUBLE}:missing")
    assert finished.returncode == 1


@pytest.mark.slow
def test_a_device_that_a_backend_lacks_skips_it(compare: Compare) -> None:
    finished = compare(*TINY, "--backend", f"reference,{TROUBLE}:gpu_only", "--device", "cpu")
    row = cell(document(finished), "trouble")
    assert row["reason"] == "no device cpu: its framework sees cuda:0"


def test_a_failed_cell_leaves_its_inputs_to_be_replayed(compare: Compare, tmp_path: Path) -> None:
    compare(*TINY, "--backend", f"reference,{TROUBLE}:raises")
    (inputs,) = tmp_path.glob("results/*/inputs")
    assert (inputs / "experiment.json").is_file()
    assert (inputs / "weights.npz").is_file()


def test_rounds_are_fresh_processes_that_train_the_same(compare: Compare, tmp_path: Path) -> None:
    found = document(compare(*TINY, "--backend", "reference", "--rounds", "2", "--steps", "60"))
    assert len(cell(found, "reference")["losses"]) == 60
    (records,) = tmp_path.glob(RECORDS)
    losses: dict[int, list[float]] = {1: [], 2: []}
    timed: dict[int, list[int]] = {1: [], 2: []}
    for line in records.read_text().splitlines():
        record = json.loads(line)
        if record["kind"] == "window":
            losses[record["round"]] += record["losses"]
            timed[record["round"]] += [record["index"]] * (record["role"] == "steady")
    assert len(losses[1]) == 60
    assert timed[1] == [0, 1, 2, 3, 4]
    assert timed[2] == [0, 1]  # the first round trains whole; what further ones tell takes less
    assert losses[2] == losses[1][: len(losses[2])]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here: it takes root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_on_a_full_disk_workers_are_ended_and_what_was_measured_can_be_gone_on_with(
    small_disk: Path,
) -> None:
    slow = f"reference,{TROUBLE}:slow"
    run = _start(small_disk, "--backend", slow, "--steps", "300", "--quiet")
    _wait_for(small_disk, '"role":"steady"')
    workers = psutil.Process(run.pid).children()
    fill = small_disk / "fill"
    with suppress(OSError), fill.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 2
    (line,) = errors.splitlines()
    assert line.startswith("compare: cannot write '")
    assert "No space left on device: what is there stays readable" in line
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    fill.unlink()
    (folder,) = (small_disk / "results").iterdir()
    shown = subprocess.run(
        command("report", str(folder), "--json"), capture_output=True, text=True, timeout=60
    )
    assert all(row["losses"] for row in json.loads(shown.stdout)["cells"])
    resumed = subprocess.run(
        command("resume", str(folder), "--json"), capture_output=True, text=True, timeout=300
    )
    assert {row["status"] for row in json.loads(resumed.stdout)["cells"]} == {"ok"}


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_who_is_asked_to_stop_ends_the_workers_and_reports_what_was_measured(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    run = _start(tmp_path, "--backend", f"reference,{TROUBLE}:slow", "--steps", "2000")
    _wait_for(tmp_path, '"role":"steady"')
    workers = psutil.Process(run.pid).children()
    run.send_signal(sent)
    output, errors = run.communicate(timeout=60)
    assert run.returncode == code
    assert "Traceback" not in errors
    rows = json.loads(output)["cells"]
    assert {row["status"] for row in rows} == {"interrupted"}
    assert all(row["losses"] for row in rows)
    assert psutil.wait_procs(workers, timeout=10)[1] == []


@pytest.mark.slow
@needs("torch", "jax")
def test_killing_a_real_worker_in_mid_run_leaves_the_others(tmp_path: Path) -> None:
    run = _start(tmp_path, "--backend", "torch,jax,reference", "--steps", "400")
    _wait_for(tmp_path, '"role":"steady"')
    (victim,) = [
        child for child in psutil.Process(run.pid).children() if "torch" in child.cmdline()
    ][:1]
    os.kill(victim.pid, signal.SIGKILL)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 1
    rows = {row["backend"]: row for row in json.loads(output)["cells"]}
    assert "killed by SIGKILL" in rows["torch"]["reason"]
    for name in ("jax", "reference"):
        assert (rows[name]["status"], len(rows[name]["losses"])) == ("ok", 400)


@pytest.mark.slow
def test_a_crashed_conductor_leaves_a_readable_folder(tmp_path: Path) -> None:
    from compare.findings.summary import summarise
    from compare.records.run_folder import RunFolder

    run = _start(tmp_path, "--backend", f"reference,{TROUBLE}:slow", "--steps", "2000")
    _wait_for(tmp_path, '"role":"steady"')
    workers = psutil.Process(run.pid).children()
    run.kill()
    run.communicate()
    (records,) = tmp_path.glob(RECORDS)
    with records.open("a") as file:
        file.write('{"kind":"window","cell')  # a line that the crash cut short
    summary = summarise(RunFolder(records.parent).records())
    assert {row.status for row in summary.cells} == {"interrupted"}
    assert all(row.losses for row in summary.cells)
    assert psutil.wait_procs(workers, timeout=10)[1] == []  # they notice and end


@pytest.mark.slow
def test_two_runs_at_once_never_write_into_each_other(compare: Compare, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda _: compare(*TINY, "--backend", "reference"), range(2))
        ids = {document(run)["run_id"] for run in runs}
    assert len(ids) == 2
    assert {path.name for path in (tmp_path / "results").iterdir()} == ids


def test_a_backend_can_run_under_another_interpreter(compare: Compare, tmp_path: Path) -> None:
    import sys

    python = tmp_path / "another-python"
    python.write_text(f'#!/bin/sh\ntouch "{tmp_path}/used"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    finished = compare(*TINY, "--backend", "reference", "--python", f"reference={python}")
    assert (finished.returncode, (tmp_path / "used").exists()) == (0, True)


def _start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(*TINY, *arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(folder: Path, text: str) -> None:
    """Until the records of the run in `folder` contain `text`."""
    deadline = time.monotonic() + 120
    while not any(text in path.read_text() for path in folder.glob(RECORDS)):
        assert time.monotonic() < deadline, "the run did not get there"
        time.sleep(0.05)


@pytest.mark.slow
@needs("torch", "keras")
def test_native_dropout_is_labelled_and_its_losses_are_not_compared(compare: Compare) -> None:
    dropout = ("--set", "model.dropout=0.3", "--steps", "12", "--backend", "torch,keras:torch")
    finished = compare(*TINY, *dropout, "--set", "train.dropout_masks=native")
    found = document(finished)
    assert [row["status"] for row in found["cells"]] == ["ok", "ok"]
    assert [row["max_loss_difference"] for row in found["cells"]] == [None, None]
    assert any("losses are not compared" in note["text"] for note in found["notes"])
    torch, keras = (row["losses"] for row in found["cells"])
    assert torch != pytest.approx(keras, rel=1e-4)  # they did drop, and not the same values


@pytest.mark.slow
@needs("torch")
def test_dropout_masks_of_the_core_are_the_same_for_all(compare: Compare) -> None:
    dropout = ("--set", "model.dropout=0.3", "--steps", "12", "--backend", "torch,reference")
    finished = compare(*TINY, *dropout, "--set", "model.architecture=gpt")
    found = document(finished)
    assert [row["status"] for row in found["cells"]] == ["ok", "ok"]
    assert all(row["max_loss_difference"] < 5e-6 for row in found["cells"])


def test_a_cell_that_trained_is_whole_though_its_compiler_plan_fails(compare: Compare) -> None:
    finished = compare(*TINY, "--backend", f"{TROUBLE}:plans_badly")
    row = cell(document(finished), "trouble")
    assert finished.returncode == 0
    assert (row["status"], row["planned_memory_bytes"]) == ("ok", None)
    assert row["tokens_per_second"]["value"] > 0
