"""How long a run measures: until it is precise or its budget is spent, whatever comes out."""

import json
import math
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from conftest import ADAPTERS, Compare, cell, document
from pydantic import ValidationError
from scipy import stats as scipy_stats

from compare.contracts import Device
from compare.findings.window_thresholds import PROCESS_SPREAD, ROUND_WINDOWS, ROUNDS_FOR_INTERVALS
from compare.planning.choice import Choice
from compare.planning.plan import make_plan
from compare.records.record_types import Ended, Role, Window
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, Request
from compare.running import conductor, stopping
from compare.running.conductor import Conductor
from compare.running.progress import Silent
from compare.running.round import Round
from compare.spec.settings import RunSection
from compare.worker.process import CellEnded, WorkerProcess

TROUBLE = str(ADAPTERS / "trouble.py")
ANYWAY = ("--set", "run.wait_for_quiet=false")  # another test runs beside this one
TINY = ("--task", "lm", "--preset", "tiny", "--steps", "20", "--json")


def windows(tmp_path: Path) -> list[dict[str, Any]]:
    (path,) = tmp_path.glob("results/*/records.jsonl")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    return [record for record in records if record["kind"] == "window"]


@pytest.mark.slow
def test_it_stops_where_intervals_are_narrow_enough(compare: Compare, tmp_path: Path) -> None:
    found = document(
        compare(*TINY, "--backend", "reference", "--precision", "60%", "--budget", "2m", *ANYWAY)
    )
    row = cell(found, "reference")
    rate = row["tokens_per_second"]
    assert (rate["high"] / rate["low"]) ** 0.5 < 1.6
    beyond = [w for w in windows(tmp_path) if w["role"] == "beyond"]
    # The preset plays one round; of fewer than these no precision is told.
    assert {w["round"] for w in beyond} == set(range(1, ROUNDS_FOR_INTERVALS + 1))
    assert not any(w["losses"] for w in beyond)
    assert len(row["losses"]) == 20
    assert row["validation_loss"] == pytest.approx(5.2897, abs=1e-3)  # as without a precision
    assert not any("was not reached" in note["text"] for note in found["notes"])


@pytest.mark.slow
def test_it_stops_where_the_budget_is_spent_and_says_so(compare: Compare, tmp_path: Path) -> None:
    asked = ("--backend", "reference", "--precision", "0.001%", "--budget", "3s", *ANYWAY)
    found = document(compare(*TINY, *asked))
    assert [row["status"] for row in found["cells"]] == ["ok"]
    assert any("the precision of 0.001% was not reached" in note["text"] for note in found["notes"])
    assert {w["role"] for w in windows(tmp_path)} == {"first", "warmup", "beyond"}


def test_a_control_shows_a_backend_s_own_noise(compare: Compare, tmp_path: Path) -> None:
    asked = ("--backend", f"reference,{TROUBLE}:none", "--control", "--price-per-hour", "2.5")
    found = document(compare(*TINY, *asked))
    assert [row["backend"] for row in found["cells"]] == ["reference", "trouble"]
    for row in found["cells"]:
        assert row["ratio_to_itself"]["low"] < row["ratio_to_itself"]["value"]
        assert row["cost_per_million_tokens"] > 0
    (pair,) = found["comparisons"]
    assert pair["noise"] > 0
    logs = {path.name for path in tmp_path.glob("results/*/logs/*")}
    assert "reference-numpy-control-round1.log" in logs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--budget", "0.5s"), "--budget 0.5s is too short: one window of each backend"),
        (("--budget", "1s", "--control"), "takes 2s or more"),
        (("--precision", "fast"), "run.precision takes a percentage above 0%"),
        (("--budget", "soon"), "run.budget takes a time above 0, such as 90s"),
    ],
)
def test_bad_limits_are_refused_before_anything_is_written(
    compare: Compare, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    finished = compare(*TINY, "--backend", "reference", *options)
    assert finished.returncode == 2
    assert message in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("90s", 90.0), ("1.5m", 90.0), (" 2 h ", 7200.0), (".5h", 1800.0)],
)
def test_a_budget_is_read_in_its_unit(text: str, seconds: float) -> None:
    assert RunSection.model_validate({"budget": text}).budget == seconds


@pytest.mark.parametrize(
    ("field", "texts"),
    [
        ("budget", ["1..5s", "5d", "-3s", "0", "m", "nan", "inf", ""]),
        ("precision", ["2", "200%", "0%", "-1%", "%", "1..5%", "nan", "inf", ""]),
        ("price_per_hour", ["-1", "nan", "inf", "2 EUR"]),
    ],
)
def test_what_is_no_limit_is_refused(field: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(ValidationError):
            RunSection.model_validate({field: text})


Pace = Callable[[CellName, int, int], float]
"""Seconds per step of a cell in its window of a round and index"""


class OnAClock(Round):
    """A round without processes: what a cell trains takes the time that it is told to."""

    clock: float
    busy_until = 0.0
    began: list[float]  # when each window did
    pace: Pace

    def open(self, cell: CellName) -> float:
        self.workers[cell] = cast(WorkerProcess, None)
        self.devices[cell] = [Device("cpu")]
        self.startup[cell] = 0.0
        return 0.0

    def build(self, cell: CellName) -> float:
        return 0.0

    def get_ready_together(self) -> None:
        pass

    def finish(self, cell: CellName) -> float:
        return 0.0

    def train(
        self, cell: CellName, role: Role, index: int, first: int, last: int, untimed: int,
        repeats: int = 1,
    ) -> float:  # fmt: skip
        OnAClock.began.append(OnAClock.clock)
        pace, timed = OnAClock.pace(cell, self.number, index), (last - first - untimed) * repeats
        OnAClock.clock += pace * (untimed + timed)
        self.write(
            Window(
                cell=cell, round=self.number, role=role, index=index, first_step=first, losses=[],
                timed_steps=timed, tokens=32 * timed, seconds=pace * timed,
                lead_seconds=pace * untimed, peak_bytes=1, device_peak_bytes=None,
            )
        )  # fmt: skip
        return pace

    def close_all(self) -> None:
        for one in list(self.workers):
            self.close(one)

    def close(self, cell: CellName) -> float:
        del self.workers[cell]
        self.write(Ended(cell=cell, round=self.number, status="ok"))
        return 0.0


def others(threads: int) -> float:
    """One busy process until a second that a test tells; to look takes half a second."""
    OnAClock.clock += 0.5
    return 1.0 if OnAClock.clock < OnAClock.busy_until else 0.02


Played = dict[str, list[Window]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Played]:
    """`play(pace, "ab", precision=0.02)`: the timed windows of each cell on that clock."""
    monkeypatch.setattr(conductor, "Round", OnAClock)
    monkeypatch.setattr(stopping, "time", SimpleNamespace(monotonic=lambda: OnAClock.clock))
    monkeypatch.setattr(stopping, "cpus_of_others_now", others)
    monkeypatch.setattr(conductor, "roofline", SimpleNamespace(speed_check=lambda: 0.05))

    def played(pace: Pace, names: str, steps: int = 20, **run: Any) -> Played:
        OnAClock.clock, OnAClock.pace, OnAClock.began = 0.0, staticmethod(pace), []
        overrides = [{"train": {"steps": steps}, "run": run}]
        request = Request(task="lm", preset="tiny", overrides=overrides, backends=[], pythons={})
        choices = [Choice(CellName(backend=name, mode="m"), name, oracle=False) for name in names]
        folder = RunFolder.create(tmp_path, "lm", "tiny")
        Conductor(make_plan(request, [], choices), folder, Silent()).run()
        found: Played = {name: [] for name in names}
        for one in folder.records():
            if isinstance(one, Window) and one.is_timed and one.cell.is_row:
                found[one.cell.backend].append(one)
        return found

    return played


def noisy(spread: float, **seconds: float) -> Pace:
    """Cells of these seconds per step, each window by itself off by about this spread."""
    random = np.random.default_rng(1)
    return lambda cell, *_: seconds[cell.backend] * float(np.exp(random.normal(0, spread)))


def round_rates(played: list[Window]) -> dict[int, float]:
    """The mean of the log rates of each round."""
    return {
        number: float(
            np.mean([math.log(w.tokens / w.seconds) for w in played if w.round == number])
        )
        for number in {window.round for window in played}
    }


def half_widths(played: Played, count: int) -> list[float]:
    """Of the ratio of every pair over the first `count` rounds, by Holm's procedure."""
    rates = {name: round_rates(some) for name, some in played.items()}
    logs = [
        np.array([rates[one][number] - rates[other][number] for number in range(1, count + 1)])
        for one, other in combinations(played, 2)
    ]
    errors = [max(scipy_stats.sem(some), PROCESS_SPREAD * math.sqrt(2 / count)) for some in logs]
    t = scipy_stats.t(count - 1)
    p_values = [2 * t.sf(abs(some.mean()) / e) for some, e in zip(logs, errors, strict=True)]
    found, level, passing = [], 0.05, True
    for rank, (p_value, error) in enumerate(sorted(zip(p_values, errors, strict=True))):
        if passing:
            level = 0.05 / (len(logs) - rank)
            passing = p_value < level
        found.append(math.exp(t.isf(level / 2) * error) - 1)
    return found


@pytest.mark.parametrize("spread", [0.02, 0.05, 0.1])
def test_a_precision_is_sought_until_every_pair_has_it_and_no_longer(
    play: Callable[..., Played], spread: float
) -> None:
    played = play(noisy(spread, a=0.01, b=0.011, c=0.01), "abc", precision=0.05, budget=2000)
    count = len(round_rates(played["a"]))
    assert count >= ROUNDS_FOR_INTERVALS
    assert max(half_widths(played, count)) <= 0.05
    assert count == ROUNDS_FOR_INTERVALS or max(half_widths(played, count - 1)) > 0.05


def test_significance_is_no_reason_to_stop(play: Callable[..., Played]) -> None:
    played = play(noisy(0.1, a=0.01, b=0.03), "ab", precision=0.01, budget=300)
    first = half_widths(played, ROUNDS_FOR_INTERVALS)
    assert min(first) > 0.01  # far apart from the start on, but wide
    assert len(round_rates(played["a"])) > 2 * ROUNDS_FOR_INTERVALS
    assert OnAClock.clock >= 300


def test_equals_are_measured_no_longer_than_it_takes(play: Callable[..., Played]) -> None:
    played = play(noisy(0.001, a=0.01, b=0.01), "ab", precision=0.05)
    assert len(round_rates(played["a"])) == ROUNDS_FOR_INTERVALS


def test_a_precision_alone_has_ten_minutes(play: Callable[..., Played]) -> None:
    play(noisy(0.5, a=0.01, b=0.01), "ab", precision=0.001)
    assert 600 <= OnAClock.clock < 605


def test_a_budget_alone_is_spent(play: Callable[..., Played]) -> None:
    played = play(noisy(0.0001, a=0.01, b=0.01), "ab", budget=60)
    assert 60 <= OnAClock.clock < 60 + 2 * 1.02  # no window begins after it
    assert len(played["a"]) == len(played["b"]) > 25


def test_a_budget_is_shared_among_rounds(play: Callable[..., Played]) -> None:
    played = play(noisy(0.01, a=0.01, b=0.02), "ab", rounds=3, budget=90)
    rounds = Counter(window.round for window in played["a"])
    assert set(rounds) == {1, 2, 3}
    assert max(rounds.values()) - min(rounds.values()) <= 1


@pytest.mark.slow
def test_from_five_rounds_on_whole_rounds_are_added(play: Callable[..., Played]) -> None:
    def pace(cell: CellName, number: int, index: int) -> float:
        """Of a process: its windows are alike, the next one's are other ones."""
        return 0.5 + 0.1 * ((number * (2 if cell.backend == "a" else 3)) % 5)

    played = play(pace, "ab", rounds=5, precision=0.05, budget=600)
    rounds = Counter(window.round for window in played["a"])
    assert len(rounds) > 5
    assert len(Counter(w.round for w in play(noisy(0.01, a=0.5), "a", rounds=5)["a"])) == 5


def test_a_round_lasts_long_enough_to_see_more_than_one_state_of_the_machine(
    play: Callable[..., Played],
) -> None:
    """By as many windows as it takes, those of the training first; short ones would not last."""
    played = play(noisy(0.01, a=0.3, b=0.3), "ab", rounds=5)
    for number in range(2, 6):  # windows are of 0.3 s in each cell, and the training has six
        own = [w.role for w in played["a"] if w.round == number]
        assert 20 < len(own) < 30
        assert own[0] == "steady"
        assert own[-1] == "beyond"  # more than the training has
    slow = Counter(w.round for w in play(noisy(0.01, a=5.0, b=9.0), "ab", rounds=5)["a"])
    assert {slow[number] for number in range(2, 6)} == {ROUND_WINDOWS}
    short = Counter(w.round for w in play(noisy(0.01, a=0.001, b=0.001), "ab", rounds=5)["a"])
    assert {short[number] for number in range(2, 6)} == {ROUND_WINDOWS}


@pytest.mark.slow
def test_further_rounds_have_as_many_windows_as_are_worth_their_time(
    play: Callable[..., Played], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where windows of one process scatter and processes do not, starts are what costs."""

    def slow_start(self: OnAClock, cell: CellName) -> float:
        OnAClock.clock += 60.0
        return 0.0

    monkeypatch.setattr(OnAClock, "build", slow_start)
    played = play(noisy(0.1, a=6.0, b=6.0), "ab", rounds=5, steps=100, precision=0.01, budget=9000)
    rounds = Counter(window.round for window in played["a"])
    assert {rounds[number] for number in (2, 3)} == {ROUND_WINDOWS}  # too little is known yet
    later = [count for number, count in rounds.items() if number > 4]
    assert sum(later) / len(later) > 2 * ROUND_WINDOWS


@pytest.mark.slow
def test_long_windows_of_the_training_count_and_may_be_enough(play: Callable[..., Played]) -> None:
    played = play(noisy(0.001, a=0.5, b=0.5), "ab", steps=100, precision=0.05)
    assert {window.role for window in played["a"]} == {"steady"}
    assert len(round_rates(played["a"])) == ROUNDS_FOR_INTERVALS


def test_who_fails_while_it_is_sought_leaves_the_others(play: Callable[..., Played]) -> None:
    def pace(cell: CellName, number: int, index: int) -> float:
        if cell.backend == "b" and index == 12:
            raise CellEnded("failed", "out of memory")
        return 0.01

    played = play(pace, "abc", precision=0.05)
    rounds = {name: set(round_rates(some)) for name, some in played.items()}
    assert rounds["a"] == rounds["c"] == set(range(1, ROUNDS_FOR_INTERVALS + 1))
    assert rounds["b"] < rounds["a"]


@pytest.mark.slow
def test_a_precision_waits_for_quiet_within_its_budget(
    play: Callable[..., Played], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnAClock, "busy_until", 60.0)
    play(noisy(0.01, a=0.01, b=0.02), "ab", precision=0.05, budget=600)
    assert min(OnAClock.began) >= 60
    play(noisy(0.01, a=0.01, b=0.02), "ab", precision=0.05, budget=20)  # it never gets quiet
    assert 20 <= min(OnAClock.began) < 22
    play(noisy(0.01, a=0.01, b=0.02), "ab", precision=0.05, budget=600, wait_for_quiet=False)
    assert min(OnAClock.began) == 0
    play(noisy(0.01, a=0.01, b=0.02), "ab")  # without a precision nobody waits
    assert min(OnAClock.began) == 0
