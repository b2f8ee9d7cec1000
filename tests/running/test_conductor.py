from collections import Counter
from pathlib import Path

import pytest
from adapters.trouble import TAKEN
from conftest import ADAPTERS, Compare, document

from compare.contracts import Device
from compare.findings.window_thresholds import LEAST_WINDOWS, MOST_GROWN, ROUND_WINDOWS
from compare.planning.devices import choose_device
from compare.records.record_types import Window
from compare.records.run_folder import RunFolder
from compare.running.window_size import window_steps
from compare.worker.process import CellEnded

CPU, GPU0, GPU1, MPS = Device("cpu"), Device("cuda", 0), Device("cuda", 1), Device("mps")


def test_a_window_lasts_a_second_in_the_fastest_cell_beside_its_untimed_step() -> None:
    assert window_steps([0.2, 0.5], 1000) == 6
    assert window_steps([0.3], 1000) == 5


def test_few_steps_are_shared_among_the_least_number_of_windows() -> None:
    assert window_steps([0.001], 50) == 50 // (LEAST_WINDOWS + 1)  # one of them to warm up
    assert window_steps([0.001], 7) == 2  # one step to lead, one to time


def test_no_room_for_a_window_is_no_window() -> None:
    assert window_steps([0.001], 1) == 0
    assert window_steps([], 100) == 0


def test_auto_takes_the_best_kind_that_all_cells_have() -> None:
    assert choose_device("auto", [CPU, GPU0], [[CPU, GPU0], [CPU, GPU0]]) == GPU0
    assert choose_device("auto", [CPU, GPU0], [[CPU, GPU0], [CPU]]) == CPU
    assert choose_device("auto", [CPU, MPS], [[CPU, MPS]]) == MPS


def test_a_device_can_be_named_with_or_without_its_index() -> None:
    assert choose_device("cuda:1", [CPU, GPU0, GPU1], [[CPU]]) == GPU1
    assert choose_device("cuda", [CPU, GPU0, GPU1], [[CPU]]) == GPU0


def test_a_cell_without_the_device_is_skipped_with_the_reason() -> None:
    with pytest.raises(CellEnded, match="no device cuda:1: its framework sees cpu") as end:
        choose_device("cuda:1", [CPU], [[CPU]])
    assert end.value.status == "skipped"


def test_windows_of_further_rounds_are_whole_where_steps_leave_a_rest(
    compare: Compare, tmp_path: Path
) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "reference", "--steps", "10",
        "--rounds", "5", "--set", "train.batch=2",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    (folder,) = (tmp_path / "results").iterdir()
    windows = [one for one in RunFolder(folder).records() if isinstance(one, Window)]
    assert {one.round for one in windows if one.is_timed} == {1, 2, 3, 4, 5}
    assert len({len(one.losses) for one in windows if one.role == "steady"}) == 1


def test_the_first_window_only_warms_up_where_a_process_trains_whole(
    compare: Compare, tmp_path: Path
) -> None:
    """Further rounds begin with windows that count: how memory grew is told of each."""
    tiny = ("--task", "lm", "--preset", "tiny", "--backend", "reference", "--quiet")
    assert compare(*tiny, "--rounds", "2", "--steps", "60").returncode == 0
    (folder,) = (tmp_path / "results").iterdir()
    windows = [one for one in RunFolder(folder).records() if isinstance(one, Window)]
    before = {}
    for number in (1, 2):
        roles = [(one.role, len(one.losses)) for one in windows if one.round == number]
        size = next(steps for role, steps in roles if role == "steady")
        before[number] = roles[: roles.index(("steady", size))]
    assert before[1][-1][0] == before[2][-1][0] == "warmup"
    assert before[1][-1][1] >= size > before[2][-1][1]
    assert before[2] == before[1][:-1]


@pytest.mark.parametrize(("mode", "grown"), [("grows", 1), ("leaks", MOST_GROWN)])
@pytest.mark.parametrize("rounds", [1, 5])
def test_a_window_in_which_memory_grew_does_not_count_and_is_made_up_for(
    compare: Compare, tmp_path: Path, mode: str, grown: int, rounds: int
) -> None:
    """Memory is handed out once. Who goes on to take it, takes it as it trains, and that counts.

    Of one round every such window is played again; of five, where a round is what counts, only what
    leaves one that counts in all cells."""
    trouble = f"{ADAPTERS / 'trouble.py'}:{mode}"
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", f"reference,{trouble}",
        "--steps", "20", "--rounds", str(rounds), "--verbose",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert f"do not count: {grown * rounds} of trouble:{mode}" in " ".join(finished.stdout.split())
    (folder,) = (tmp_path / "results").iterdir()
    windows = [one for one in RunFolder(folder).records() if isinstance(one, Window)]
    own = [w for w in windows if w.cell.backend == "trouble" and w.cell.is_row]
    for number in range(1, rounds + 1):
        of_round = [w for w in own if w.round == number]
        grew = [w for w in of_round if w.grew]
        assert len(grew) == grown
        assert all(w.grown_bytes > TAKEN / 2 for w in grew if w.grown_bytes is not None)
        timed = sum(w.is_timed for w in of_round)
        wanted = LEAST_WINDOWS if number == 1 else ROUND_WINDOWS
        assert timed == (wanted if rounds == 1 else max(1, wanted - grown))


def test_growth_of_the_echo_alone_plays_no_window_again(compare: Compare, tmp_path: Path) -> None:
    """The echo is of the backend that starts first, which torch is not."""
    trouble = f"{ADAPTERS / 'trouble.py'}:second_grows"
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", f"{trouble},torch", "--steps", "20",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    (folder,) = (tmp_path / "results").iterdir()
    windows = [one for one in RunFolder(folder).records() if isinstance(one, Window)]
    assert {(w.cell.backend, w.cell.echo) for w in windows if w.grew} == {("trouble", True)}
    timed = Counter(w.cell.backend for w in windows if w.is_timed and w.cell.is_row)
    assert timed == {"trouble": LEAST_WINDOWS, "torch": LEAST_WINDOWS}
    assert not any(w.role == "beyond" for w in windows)


def test_who_loses_its_device_in_a_further_round_leaves_the_others(compare: Compare) -> None:
    found = document(
        compare(
            "--task", "lm", "--preset", "tiny", "--steps", "10", "--rounds", "3", "--json",
            "--backend", f"reference,{ADAPTERS / 'trouble.py'}:loses_its_device",
        )
    )  # fmt: skip
    states = {row["backend"]: (row["status"], row["reason"]) for row in found["cells"]}
    assert states["reference"][0] == "ok"
    assert states["trouble"] == ("skipped", "no device cpu: its framework sees cuda:0")


def test_a_worker_ends_by_what_was_registered_for_its_exit_and_by_nothing_slower(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with which C holds nothing back
    trouble = f"{ADAPTERS / 'trouble.py'}:last_words"
    tiny = ("--task", "lm", "--preset", "tiny", "--steps", "10", "--rounds", "1")
    assert compare(*tiny, "--backend", trouble).returncode == 0
    (log,) = (tmp_path / "results").glob("*/logs/trouble*round1.log")
    said = {"what was to be done at exit", "what C holds back"}
    assert set(log.read_text().splitlines()) == said


def test_processes_of_further_rounds_get_ready_side_by_side(compare: Compare) -> None:
    """Those of the first round one after the other, since how long it takes them is told."""
    adapter = ADAPTERS / "meeting.py"
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", f"{adapter}:a,{adapter}:b",
        "--steps", "10", "--rounds", "3",
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
