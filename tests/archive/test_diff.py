"""One run held against another: what is planted is found, and what is noise is not."""

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, STORED, Compare, command, document, environment
from fake_records import A, B, C, header, played, steady, whole
from terminals import screen

from compare.archive.diff import CellDiff, Pair, Side, diff_cells
from compare.archive.diff_folders import diff_folders, notes_of_pair
from compare.commands.diff import parse_percent
from compare.errors import UserError
from compare.records.differences import differing_fields
from compare.records.record_types import AnyRecord, Ended, Probed, SpeedCheck, Window
from compare.records.values import CellName
from compare.stats.welch import welch

PRECISE, ROUGH = 0.02, 0.5


def times(seed: int, noise: float, slower: float = 1.0, count: int = 12) -> list[float]:
    """Seconds of windows with independent noise on a log scale."""
    random = np.random.Generator(np.random.Philox(seed))
    return [float(x) for x in slower * np.exp(random.normal(0, noise, count))]


def side(*records: Sequence[AnyRecord], cells: Sequence[CellName] = (A,), **run: Any) -> Side:
    return Side([header(*cells, **run), *(one for several in records for one in several)])


def timed(cell: CellName, seconds: Sequence[float]) -> list[AnyRecord]:
    """A round each, so that processes are what is compared."""
    rounds = [whole(cell, steady(cell, [x], round=n), n) for n, x in enumerate(seconds, 1)]
    return [record for one in rounds for record in one]


def diff(base: Side, new: Side, fail_over: float = 0.05) -> list[CellDiff]:
    return diff_cells([Pair(base, new)], fail_over)


def kinds(cells: Sequence[CellDiff]) -> list[tuple[str, str]]:
    return [(cell.backend, found.kind) for cell in cells for found in cell.regressions]


def aa(seed: int, noise: float, slower: float = 1.0) -> list[CellDiff]:
    """Two runs of three backends, the first of which may have become slower."""
    sides = [
        side(
            timed(A, times(9 * seed + first, noise, slower if first else 1.0)),
            timed(B, times(9 * seed + first + 1, noise)),
            timed(C, times(9 * seed + first + 2, noise)),
            cells=(A, B, C),
        )
        for first in (0, 3)
    ]
    return diff(*sides)


def test_a_planted_slowdown_of_one_cell_is_found_and_no_other() -> None:
    for seed in range(30):
        found = aa(seed, PRECISE, slower=1.2)
        assert kinds(found) == [("a", "slower")]
        assert found[0].verdict == "slower"
        assert found[0].speed is not None
        assert found[0].speed.value == pytest.approx(1 / 1.2, rel=0.05)


@pytest.mark.parametrize(("noise", "pairs", "most"), [(PRECISE, 40, 0), (0.1, 120, 9)])
def test_two_runs_of_the_same_are_no_regression(noise: float, pairs: int, most: int) -> None:
    """At 2.5% on the slower side 3 of 120 are to be expected; one time in 1000 more than 9."""
    assert sum(bool(kinds(aa(seed, noise))) for seed in range(pairs)) <= most


def test_a_slowdown_that_is_buried_in_noise_is_not_called() -> None:
    called = sum(kinds(aa(seed, ROUGH, slower=1.2)) != [] for seed in range(60))
    assert called <= 6
    assert kinds(aa(1, ROUGH, slower=1.2)) == []


def test_one_that_a_backend_shows_against_itself_is_not_called() -> None:
    def played(slower: float, itself: float) -> Side:
        control = A.its_control()
        base, again = times(1, PRECISE, slower), times(2, PRECISE, slower * itself)
        return side(timed(A, base), timed(control, again))

    (found,) = diff(played(1.0, 1.01), played(1.2, 1.0))
    assert (found.verdict, kinds([found])) == ("slower", [("a", "slower")])
    (found,) = diff(played(1.0, 1.0), played(1.2, 1.3))
    assert (found.verdict, kinds([found])) == ("not separated", [])
    assert found.noise == pytest.approx(0.3, rel=0.1)


def test_a_difference_within_what_is_allowed_is_told_and_does_not_fail() -> None:
    base, new = side(timed(A, times(1, 0.002))), side(timed(A, times(2, 0.002, slower=1.04)))
    (found,) = diff(base, new)
    assert (found.verdict, kinds([found])) == ("slower", [])
    assert kinds(diff(base, new, fail_over=0.02)) == [("a", "slower")]
    (found,) = diff(new, base)
    assert (found.verdict, kinds([found])) == ("faster", [])


def test_rounds_are_the_units_from_five_on() -> None:
    """Windows of one process share its luck: 12 that agree within it are no 12 samples."""

    def rounds(seed: int) -> Side:
        luck = times(seed, 0.2, count=5)
        windows = [
            steady(A, times(100 * seed + i, 0.001, slower=x), round=i + 1)
            for i, x in enumerate(luck)
        ]
        return side(*(whole(A, ours, i + 1) for i, ours in enumerate(windows)))

    called = sum(kinds(diff(rounds(2 * seed), rounds(2 * seed + 1))) != [] for seed in range(60))
    assert called <= 5


def test_a_single_window_tells_nothing() -> None:
    (found,) = diff(side(timed(A, [1.0])), side(timed(A, [9.0])))
    assert (found.speed, found.verdict, found.regressions) == (None, None, [])


def test_runs_that_could_not_have_shown_a_slowdown_do_not_pass() -> None:
    (rough,) = diff(side(timed(A, times(1, ROUGH))), side(timed(A, times(2, ROUGH))))
    assert rough.smallest_slowdown is not None
    assert rough.smallest_slowdown > 0.3
    assert (rough.unknown, rough.regressions) == (True, [])
    (precise,) = diff(side(timed(A, times(1, PRECISE))), side(timed(A, times(2, PRECISE))))
    assert precise.smallest_slowdown == pytest.approx(0.02, abs=0.01)
    assert not precise.unknown
    (ruled_out,) = diff(side(timed(A, times(1, 0.1, 5.0))), side(timed(A, times(2, 0.1))))
    assert ruled_out.smallest_slowdown is not None
    assert ruled_out.smallest_slowdown > 0.05
    assert not ruled_out.unknown  # it is five times as fast
    (single,) = diff(side(timed(A, [1.0])), side(timed(A, [1.0])))
    assert single.unknown
    one_process = side(whole(A, steady(A, times(1, 1e-6))))
    (alike,) = diff(one_process, one_process)  # which says nothing of another process
    assert alike.smallest_slowdown == pytest.approx(0.057, abs=0.001)
    assert alike.unknown


def test_welch_is_that_of_the_textbook() -> None:
    """Held against scipy.stats, which is too heavy to import outside a test."""
    from scipy.stats import ttest_ind

    ours, theirs = times(1, 0.1, count=7), times(2, 0.4, count=15)
    expected = ttest_ind(ours, theirs, equal_var=False)
    found = welch(ours, theirs)
    assert found is not None
    assert found.p_value() == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert found.ends(0.95) == pytest.approx((interval.low, interval.high))


def peaks(*values: int, **more: Any) -> Side:
    windows = [
        window.model_copy(update={"peak_bytes": value})
        for window, value in zip(steady(A, [1.0] * len(values), **more), values, strict=True)
    ]
    return side(whole(A, windows))


def test_memory_that_grew_beyond_its_own_spread_is_a_regression() -> None:
    base = peaks(1000, 1000, 1010, 1000)
    assert kinds(diff(base, peaks(1200, 1200, 1200, 1200))) == [("a", "larger")]
    assert kinds(diff(base, peaks(1000, 1200, 1400, 1600))) == [("a", "larger")]  # a leak
    assert kinds(diff(base, peaks(1000, 1000, 1600, 1000))) == []  # one window's
    assert kinds(diff(base, peaks(1040, 1040, 1040, 1040))) == []
    assert kinds(diff(peaks(1200, 1200), base)) == []


def with_losses(losses: Sequence[float], validation: float = 1.0) -> Side:
    windows: list[Window] = [
        window.model_copy(update={"losses": [loss]})
        for window, loss in zip(steady(A, [1.0] * len(losses)), losses, strict=True)
    ]
    records = [
        r.model_copy(update={"loss": validation}) if r.kind == "evaluated" else r
        for r in whole(A, windows)
    ]
    return side(records)


def test_losses_are_held_against_the_envelope() -> None:
    base = with_losses([3.0, 2.0, 1.0])
    assert kinds(diff(base, with_losses([3.0, 2.0 * (1 + 1e-6), 1.0]))) == []
    (found,) = diff(base, with_losses([3.0, 2.0 * (1 + 1e-4), 1.0]))
    assert [one.kind for one in found.regressions] == ["different"]
    assert "loss of step 1 by 1.0e-04" in found.regressions[0].text
    (found,) = diff(base, with_losses([3.0, 2.0, 1.0], validation=1.01))
    assert "validation loss" in found.regressions[0].text


def test_a_cell_that_went_well_and_does_no_longer_is_a_regression() -> None:
    seconds = [1.0, 1.0]
    good = side(timed(A, seconds), timed(B, seconds), cells=(A, B))
    failed = Ended(cell=B, round=1, status="failed", reason="[red]out of memory")
    bad = side(timed(A, seconds), [failed], cells=(A, B))
    (_, found) = diff(good, bad)
    assert found.regressions[0].text == "b:m was ok and is now failed: [red]out of memory"
    assert kinds(diff(bad, good)) == []
    assert kinds(diff(bad, bad)) == []
    with pytest.raises(UserError, match="no backend that is in both went well"):
        diff(side([failed], cells=(B,)), good)
    with pytest.raises(UserError, match="no backend in common"):
        diff(side(timed(A, seconds)), side(timed(B, seconds), cells=(B,)))


def test_what_else_differs_is_told_and_not_corrected() -> None:
    def played(cpu: str, check: float, roof: float, cells: Sequence[CellName], **run: Any) -> Side:
        first = header(*cells, **run).model_copy(update={"machine": {"cpu": cpu}})
        opened, *rest = timed(A, times(1, PRECISE))
        opened = opened.model_copy(update={"versions": {"torch": cpu}})
        probed = Probed(flops_per_second=roof, bytes_per_second=1e9)
        return Side([first, probed, SpeedCheck(round=1, seconds=check), opened, *rest])

    pair = Pair(played("1", 0.05, 1e9, (A,), threads=1), played("2", 0.06, 2e9, (A, B), threads=2))
    told = "\n".join(notes_of_pair(pair))
    for part in (
        "b:m is only in the new one", "a:m: torch 1 -> 2", "threads: 1 and 2", "cpu: 1 and 2",
        "50 ms in the base and 60 ms", "1 GFLOP/s and at 2 GFLOP/s",
    ):  # fmt: skip
        assert part in told
    (found,) = diff(*pair[:2])
    assert found.speed is not None
    assert found.speed.value == pytest.approx(1.0)
    assert not notes_of_pair(Pair(pair.base, pair.base))


def test_fields_that_differ_are_named() -> None:
    a = {"task": "lm", "train": {"batch": 16}, "model": {"layers": [{"kind": "dense", "n": 1}]}}
    b = {"task": "lm", "train": {"batch": 32, "seed": 1}, "model": {"layers": []}}
    assert differing_fields(a, a) == []
    assert differing_fields(a, b) == [
        "train.batch: 16 and 32", "train.seed: nothing and 1", "model.layers.0: dense and nothing",
    ]  # fmt: skip
    assert parse_percent("2.5%") == 0.025
    for text in ("5", "-5%", "%", "five%"):
        with pytest.raises(UserError, match="such as 5%"):
            parse_percent(text)


SLEEPY = """
import time
from compare.contracts.loading import load_backend

class Trainer:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def train(self, batches, learning_rates):
        time.sleep({seconds} * len(learning_rates))
        return self.inner.train(batches, learning_rates)

class Sleepy:
    name, modes, oracle = "{name}", ("nap",), False

    def __init__(self):
        self.inner = load_backend("reference")

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def build(self, experiment, device):
        return Trainer(self.inner.build(experiment, device))

backend = Sleepy()
"""


def sleepy(path: Path, seconds: float) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(SLEEPY.format(name=path.stem, seconds=seconds))
    return str(path)


@pytest.mark.slow
def test_two_runs_on_the_command_line(compare: Compare, tmp_path: Path) -> None:
    for name, seconds in (("base", 0.005), ("new", 0.015)):
        finished = compare(
            "--task", "lm", "--preset", "tiny", "--steps", "30", "--out", name,
            "--backend", sleepy(tmp_path / f"adapters-{name}" / "sleepy.py", seconds),
        )  # fmt: skip
        assert finished.returncode == 0, finished.stderr
    (base,), (new,) = ((tmp_path / name).iterdir() for name in ("base", "new"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json*")}
    finished = compare("diff", str(base), str(new))
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "regression: sleepy:nap is slower: a step takes" in finished.stdout
    finished = compare("diff", str(base), str(new), "--json")
    assert (finished.returncode, document(finished)["cells"][0]["verdict"]) == (1, "slower")
    finished = compare("diff", str(base), str(base), "--fail-over", "900%")
    assert finished.returncode == 0
    assert "no regression beyond 900% and noise" in finished.stdout
    finished = compare("diff", str(base), str(base), "--fail-over", "0.001%")
    assert finished.returncode == 3
    assert "cannot tell: sleepy:nap could be slower by more than 0.001% unseen" in finished.stdout
    assert "no regression" not in finished.stdout
    finished = compare("diff", str(base), str(base), "--fail-over", "0.001%", "--allow-blind")
    assert finished.returncode == 0
    finished = compare("diff", str(base), str(STORED / "lm-long"))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("compare: not the same experiment: ")
    assert finished.stderr.count("\n") == 1
    with pytest.raises(UserError, match="'nowhere' is no run folder"):
        diff_folders(base, Path("nowhere"), 0.05)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.json*")}


@pytest.mark.parametrize("width", [40, 60, 78, 200])
def test_on_a_terminal_no_figure_is_cut(tmp_path: Path, width: int) -> None:
    played(tmp_path / "base", 1, "1.0", 1.0)
    played(tmp_path / "new", 2, "2.0", 1.3)
    shown = screen(tmp_path, width, "diff", "base", "new")
    for text in ("100 ±4.2%", "77 ±4.2%", "0.769 ±6.0%", "slower", "1 kB", "0.0e+00", "6.0%"):
        assert text in shown
    assert "…" not in shown
    table = shown[: shown.index("note: ")]
    assert max(map(len, table.splitlines())) <= width
    verdict = " ".join(
        shown[shown.rindex("regression:") :].split()
    )  # over as many lines as it takes
    assert verdict.startswith("regression: a:m is slower")


def documented(name: str) -> list[str]:
    """The commands of the workflow on the page that are this suite's."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    (workflow,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    return [line for line in re.findall(r"run: (.*)", workflow) if line.startswith("compare ")]


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "code"), [(0.06, 0), (0.072, 1)])
def test_the_documented_workflow_passes_the_same_and_fails_a_planted_slowdown(
    tmp_path: Path, seconds: float, code: int
) -> None:
    sleepy(tmp_path / "base" / "adapter.py", 0.06)  # long, so that a busy machine is little of it
    sleepy(tmp_path / "new" / "adapter.py", seconds)
    *plays, judge = documented("ci.md")
    for line in plays:
        assert play(line, tmp_path).returncode == 0
    judged = play(judge, tmp_path)
    assert judged.returncode == code, judged.stdout + judged.stderr


def play(line: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A line of a workflow, as its shell runs it."""
    start = shlex.join(command())
    return subprocess.run(
        ["bash", "-ec", f"{start} {line.removeprefix('compare ')}"],
        cwd=folder, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
