"""A cell of several ranks: the same losses as one process; what ends where one fails."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from conftest import ADAPTERS, Compare, needs

from compare.contracts import Device, Unsupported
from compare.errors import UserError
from compare.meters.threads import usable_cpus
from compare.planning.plan import make_plan
from compare.ranks import processes
from compare.ranks.addresses import Place
from compare.ranks.counts import parse_ranks, require_cpus, require_rows
from compare.ranks.processes import RankProcesses
from compare.records.values import CellName, Request
from compare.spec.inputs import write_inputs
from compare.spec.training import TrainSpec
from compare.worker.process import CellEnded
from compare.worker.shares import device_of_rank, share_of
from compare.worker.summing import Sockets

PLANTED = str(ADAPTERS / "planted_ranks.py")
pytestmark = pytest.mark.xdist_group("ranks")


def added_up(of_ranks: list[dict[str, np.ndarray]]) -> list[Any]:
    """What each rank has of the sum, or the error that it had."""
    pairs = [socket.socketpair() for _ in of_ranks[1:]]
    ends = [[first for first, _ in pairs], *([other] for _, other in pairs)]
    found: list[Any] = [None] * len(of_ranks)

    def one(rank: int) -> None:
        sockets = Sockets(rank, [end.detach() for end in ends[rank]])
        try:
            found[rank] = sockets.sum(of_ranks[rank])
        except (ValueError, OSError) as error:
            found[rank] = error
        for end in sockets.ends:
            end.close()

    threads = [Thread(target=one, args=(rank,)) for rank in range(len(of_ranks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return found


def test_a_sum_is_made_in_the_order_of_ranks_and_the_same_on_all() -> None:
    random = np.random.default_rng(1)
    parts = [
        {
            "a": random.normal(size=(300, 999)),
            "b": np.float32(random.normal(size=3)),
            "c": np.ones(()),
        }
        for _ in range(3)
    ]
    expected = {name: (parts[0][name] + parts[1][name]) + parts[2][name] for name in "abc"}
    for found in added_up(parts):
        for name, value in expected.items():
            assert found[name].dtype == parts[0][name].dtype
            assert np.array_equal(found[name], value)


def test_ranks_that_add_up_different_arrays_are_told() -> None:
    found = added_up([{"a": np.ones(3)}, {"a": np.ones(4)}])
    assert str(found[0]) == "rank 1 adds up other arrays, or in another order"
    assert isinstance(found[1], OSError)


def test_rows_and_masks_are_cut_and_the_count_is_of_the_whole_batch() -> None:
    mask = np.arange(4)[None, None] < np.array([[4, 1, 2, 3]])[..., None]  # (1, 4, 4)
    rows = np.arange(16).reshape(1, 4, 4)
    batches = {"inputs": rows, "targets": rows, "targets_mask": mask, "dropout.x": rows[..., None]}
    first, second = (share_of(batches, rank, 2) for rank in range(2))
    assert np.array_equal(
        np.concatenate([first["dropout.x"], second["dropout.x"]], 1), rows[..., None]
    )
    assert np.array_equal(second["targets_mask"], mask[:, 2:])
    assert first["count"].tolist() == second["count"].tolist() == [10.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("two", "--ranks takes numbers of processes, such as 1,2, not 'two'"),
        ("0", "--ranks takes numbers of processes, such as 1,2, not '0'"),
        ("", "--ranks takes numbers of processes, such as 1,2, not ''"),
    ],
)
def test_what_is_no_number_of_ranks(text: str, said: str) -> None:
    with pytest.raises(UserError, match=f"^{said}$"):
        parse_ranks(text)


def test_a_batch_that_does_not_divide_is_refused_with_one_that_does(
    all_cpus: None, compare: Compare
) -> None:
    found = compare("--task", "lm", "--preset", "tiny", "--ranks", "1,2", "--set", "train.batch=21")
    assert (found.returncode, found.stderr) == (
        2, "compare: --ranks 2: a batch of 21 is not 2 equal shares: take --set train.batch=20\n"
    )  # fmt: skip
    with pytest.raises(UserError, match=r"2 equal shares in 3 micro-batches: take .*=12$"):
        require_rows([2], TrainSpec(batch=9, accumulation=3))


def test_more_ranks_than_cpus_are_refused_with_the_remedy(all_cpus: None) -> None:
    usable = usable_cpus()
    with pytest.raises(UserError, match=rf"and {usable} can be used: take --ranks {usable}$"):
        require_cpus([1, usable + 1], 1)
    with pytest.raises(UserError, match="take --threads 1"):
        require_cpus([1, usable], 2)


@pytest.mark.slow
def test_two_ranks_compute_what_one_process_does_and_each_is_a_row(
    compare: Compare, tmp_path: Path, all_cpus: None
) -> None:
    found = compare(
        "--task", "translation", "--preset", "tiny", "--backend", "reference,torch:eager",
        "--ranks", "1,2", "--rounds", "1", "--steps", "40", "--json", "--control",
        "--set", "run.roofline=false",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    rows = {(r["backend"], r["ranks"]): r for r in json.loads(found.stdout)["cells"]}
    assert list(rows) == [("reference", 1), ("reference", 2), ("torch", 1), ("torch", 2)]
    assert {row["status"] for row in rows.values()} == {"ok"}
    assert len({round(row["validation_loss"], 5) for row in rows.values()}) == 1
    (records,) = tmp_path.glob("results/*/records.jsonl")
    for line in map(json.loads, records.read_text().splitlines()):
        if line["kind"] == "window":
            assert len(line.get("rank_seconds", [])) == (2 if "ranks" in line["cell"] else 0)
            assert line["seconds"] == max(line.get("rank_seconds", [line["seconds"]]))
    for (_, count), row in rows.items():
        assert (row["scaling_efficiency"] is not None) == (count == 2)
        assert (row["communication_share"] is not None) == (count == 2)
        assert (row["wire_bytes_per_step"] is not None) == (count == 2)
    # The reference speaks by Unix sockets. Others on this machine may send meanwhile, never less.
    assert rows["torch", 2]["wire_share_of_least"] >= 1.0
    assert rows["torch", 2]["wire_share_of_least"] < 2.0
    assert rows["reference", 2]["wire_share_of_least"] < rows["torch", 2]["wire_share_of_least"]


@pytest.mark.slow
@needs("torch", "jax", "flax", "optax", "tensorflow", "keras")
def test_ranks_of_every_framework_are_the_oracle_in_one_process_in_float64(
    compare: Compare,
) -> None:
    """Translation, of which ranks have more and less padding."""
    cells = [
        "torch:eager", "jax:jit", "tensorflow:xla", "keras:torch", "keras:tensorflow", "keras:jax",
    ]  # fmt: skip
    found = compare(
        "audit", "--task", "translation", "--backend", ",".join(cells), "--ranks", "2",
        "--steps", "3", "--json", "--quiet",
    )  # fmt: skip
    rows = json.loads(found.stdout)
    assert [(f"{row['backend']}:{row['mode']}", row["ranks"]) for row in rows] == [
        (cell, 2) for cell in cells
    ]
    assert {(row["status"], row["reason"]) for row in rows} == {("ok", "")}


@pytest.mark.slow
def test_an_adapter_without_join_is_skipped_with_the_reason(
    compare: Compare, all_cpus: None
) -> None:
    found = compare(
        "--task", "lm", "--preset", "tiny", "--ranks", "1,2", "--rounds", "1", "--steps", "3",
        "--backend", str(ADAPTERS / "careless.py"), "--json", "--set", "run.roofline=false",
        "--set", "train.dtype=fp64",
    )  # fmt: skip
    alone, both = json.loads(found.stdout)["cells"]
    assert alone["status"] == "ok"
    assert both["status"] == "skipped"
    assert both["reason"] == "not supported: ranks: its adapter has no 'join'"


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    request = Request(
        task="lm", preset="tiny", overrides=[{"train": {"steps": 4}}], backends=["reference"],
        pythons={},
    )  # fmt: skip
    plan = make_plan(request, [])
    write_inputs(tmp_path / "inputs", plan.experiment, plan.weights, plan.prepared.arrays)
    return tmp_path / "inputs"


@pytest.fixture
def ranks(inputs: Path, tmp_path: Path) -> Iterator[RankProcesses]:
    played = RankProcesses(2, 60.0, PLANTED, None, inputs, tmp_path / "log")
    yield played
    played.kill()


def ready(played: RankProcesses, mode: str) -> None:
    played.hello()
    played.ask("open", 60, mode=mode, threads=1)
    played.ask("build", 60, device={"kind": "cpu"}, perturb=False)


def living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


TRAIN = {"first": 0, "last": 4, "untimed": 0}


def test_a_rank_that_is_killed_ends_the_cell_at_once_by_name(ranks: RankProcesses) -> None:
    ready(ranks, "asleep")
    ranks.tell("train", **TRAIN)
    time.sleep(0.5)
    os.kill(ranks.pids[1], signal.SIGKILL)
    began = time.monotonic()
    with pytest.raises(CellEnded, match=r"^rank 1 of 2: worker was killed by SIGKILL"):
        ranks.answer("train", 60)
    assert time.monotonic() - began < 2
    assert living(ranks.pids) == []


@needs("torch", "jax", "flax", "optax")
@pytest.mark.slow
@pytest.mark.parametrize(("backend", "mode"), [("torch", "eager"), ("jax", "jit")])
def test_a_port_that_others_took_meanwhile_is_left_to_them(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, mode: str
) -> None:
    """torch says so, JAX dies of it."""
    given, real = list[list[str]](), processes.free_addresses
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        def first_a_taken_one(places: Sequence[Place]) -> list[str]:
            found = real(places)
            given.append(found if given else [f"127.0.0.1:{taken.getsockname()[1]}", found[1]])
            return given[-1]

        monkeypatch.setattr(processes, "free_addresses", first_a_taken_one)
        played = RankProcesses(2, 60.0, backend, None, inputs, tmp_path / "log")
        try:
            played.tell("hello")  # both at once, as a run does
            played.tell("open", mode=mode, threads=1)
            played.answer("hello", 60)
            played.answer("open", 60)
            played.ask("build", 60, device={"kind": "cpu"}, perturb=False)
            assert len(played.ask("train", 60, **TRAIN)["losses"]) == 4
        finally:
            played.kill()
    assert len(given) == 2


def test_a_rank_that_raises_is_named_though_the_others_wait_for_it(ranks: RankProcesses) -> None:
    ready(ranks, "raises")
    with pytest.raises(CellEnded, match=r"^rank 1 of 2: RuntimeError: no room left in the basket"):
        ranks.ask("train", 60, **TRAIN)
    assert "no room left in the basket" in ranks.log_tail()
    assert living(ranks.pids) == []


def test_a_rank_that_sleeps_is_named_with_its_line_at_the_deadline(ranks: RankProcesses) -> None:
    ready(ranks, "asleep")
    source = Path(PLANTED).read_text().splitlines()
    line = next(n for n, text in enumerate(source, 1) if "the line that is to be named" in text)
    with pytest.raises(CellEnded) as ended:
        ranks.ask("train", 3, **TRAIN)
    reason = ended.value.reason
    assert reason.startswith("no answer to 'train' within 3 s: killed: rank 0 at ")
    assert reason.endswith(f"planted_ranks.py:{line}")
    assert living(ranks.pids) == []


def test_of_gpus_each_rank_has_one_and_cpus_are_everybodys() -> None:
    gpus = [Device("cpu"), Device("cuda", 0), Device("cuda", 1)]
    assert [device_of_rank(gpus[1], gpus, rank, 2).label for rank in range(2)] == [
        "cuda:0", "cuda:1"
    ]  # fmt: skip
    assert device_of_rank(gpus[0], gpus, 1, 2).label == "cpu"
    with pytest.raises(Unsupported, match="2 ranks on 1 of cuda: each takes one of its own"):
        device_of_rank(gpus[1], gpus[:2], 0, 2)


def test_files_of_a_cell_of_ranks_are_its_own(tmp_path: Path) -> None:
    from compare.records.run_folder import RunFolder

    folder, cell = RunFolder(tmp_path), CellName(backend="torch", mode="eager")
    both = cell.model_copy(update={"ranks": 2})
    assert (cell.label, both.label) == ("torch:eager", "torch:eager x2")
    assert folder.weights(cell) != folder.weights(both)
    assert "ranks" not in cell.model_dump_json()
