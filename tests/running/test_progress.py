"""What a job tells while it runs: on a terminal, in a pipe, on a dumb terminal, with --quiet."""

import re
import shlex
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ADAPTERS, Compare, command, environment

from compare.running import progress

TINY = ("--task", "lm", "--preset", "tiny", "--backend", "reference")
TROUBLE = ADAPTERS / "trouble.py"
ESCAPE = "\x1b"


def on_a_terminal(folder: Path, *arguments: str, **variables: str) -> str:
    """All that stderr shows on a terminal of 80 columns while the command runs."""
    line = f"stty cols 80; {shlex.join(command(*arguments))} > /dev/null"
    shown = subprocess.run(
        ["script", "-qec", line, "/dev/null"], cwd=folder,
        env={**environment(), "TERM": "xterm", **variables},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return shown.stdout


@pytest.mark.slow
def test_a_pipe_gets_a_line_for_each_phase(tmp_path: Path) -> None:
    finished = subprocess.run(
        command(*TINY, "--rounds", "2"), cwd=tmp_path,
        env={**environment(), "FORCE_COLOR": "1", "TERM": "xterm"},
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert ESCAPE not in finished.stderr
    lines = finished.stderr.splitlines()
    assert all(re.match(r" *\d+:\d\d  \S", line) for line in lines)
    told = [line.split(maxsplit=1)[1] for line in lines]
    phases = ("starting the backends", "compiling", "warming up", "training", "evaluating")
    first = [f"round 1 of 2, {phase}" for phase in phases]
    found = [line for line in told if line.startswith((*first, "round 2 of 2"))]
    assert [line.partition(";")[0] for line in found] == [*first, "round 2 of 2"]
    assert any(re.fullmatch(r"reference:numpy evaluated: loss \d\.\d{4}", line) for line in told)


def test_quiet_is_silent(compare: Compare) -> None:
    finished = compare(*TINY, "--quiet")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "reference:numpy" in finished.stdout


def test_a_terminal_has_one_bar_from_the_first_second(tmp_path: Path) -> None:
    shown = on_a_terminal(tmp_path, *TINY, "--steps", "6000")
    frames = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown)
    for part in ("asking the backends who they are", "preparing the data", "training", "6000/6000"):
        assert part in frames
    assert frames.index("asking the backends") < frames.index("starting")
    assert re.search(r"\d:\d\d elapsed; about \d:\d\d left", frames)
    assert "━" in frames
    widths = [len(line) for line in re.split(r"[\r\n]+", frames) if "elapsed" in line]
    assert max(widths) <= 80


def test_a_dumb_terminal_gets_lines_and_no_cursor_moves(tmp_path: Path) -> None:
    shown = on_a_terminal(tmp_path, *TINY, TERM="dumb")
    assert ESCAPE not in shown
    assert re.search(r"^ *\d:\d\d  training", shown, re.MULTILINE)


def test_no_colour_is_heeded_on_a_terminal(tmp_path: Path) -> None:
    shown = on_a_terminal(tmp_path, *TINY, NO_COLOR="1")
    assert "elapsed" in shown
    assert not re.search(r"\x1b\[[\d;]*(3[0-7]|9[0-7]|38)[;m]", shown)


@pytest.mark.slow
def test_a_budget_tells_what_is_left_of_it_and_what_is_reached(compare: Compare) -> None:
    finished = compare(*TINY, "--precision", "0.001%", "--budget", "12s")
    assert re.search(r"0:\d\d of the budget left; (no interval yet|now ±[\d.]+%), wanted 0\.001%",
                     finished.stderr), finished.stderr  # fmt: skip


@pytest.mark.slow
def test_what_fails_is_told_when_it_does(compare: Compare) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", f"reference,{TROUBLE}:raises"
    )
    assert re.search(r"trouble:raises failed: RuntimeError", finished.stderr)


@pytest.mark.slow
def test_outputs_are_counted_while_they_are_decoded(tmp_path: Path) -> None:
    shown = on_a_terminal(
        tmp_path, "--task", "translation", "--preset", "tiny", "--backend", "reference"
    )
    counts = re.findall(r"reference:numpy: outputs (\d+) of (\d+)", shown)
    assert counts
    assert counts[-1][0] == counts[-1][1]
    assert "evaluated: " in shown


@pytest.mark.slow
def test_an_audit_and_a_check_count_and_end_in_a_sentence(compare: Compare) -> None:
    audited = compare("audit", "--backend", f"{TROUBLE}:none", "--steps", "4")
    for part in ("the oracle, reference:numpy; 1 of 2", "auditing trouble:none; 2 of 2"):
        assert part in audited.stderr
    last = audited.stdout.splitlines()[-1]
    assert last == "trouble:none computes what reference:numpy does, number by number in fp64."
    checked = compare("check-backend", f"{TROUBLE}:unsupported")
    assert re.search(r"trouble:unsupported; 1 of \d+", checked.stderr)
    last = checked.stdout.splitlines()[-1]
    assert re.fullmatch(
        r"trouble:unsupported is right in all that it was checked in: \d+ checks passed;"
        r" \d+ checks skipped\.", last,
    )  # fmt: skip
    for arguments in (("audit", "--backend", f"{TROUBLE}:none", "--steps", "2"),
                      ("check-backend", f"{TROUBLE}:unsupported")):  # fmt: skip
        assert compare(*arguments, "--quiet").stderr == ""


@pytest.mark.slow
def test_a_sweep_counts_its_points(compare: Compare) -> None:
    finished = compare(*TINY, "--steps", "8", "--sweep", "train.batch=2,4")
    told = re.findall(r"(\d) of 2, batch=(\d): compiling", finished.stderr)
    assert told == [("1", "2"), ("2", "4")]


def test_a_pipe_is_told_of_what_takes_long_to_prepare(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every 30 seconds: here every two."""
    monkeypatch.setattr(progress, "EVERY", 2.0)
    with progress.Lines() as lines:
        lines.begin("preparing the data")
        deadline = time.monotonic() + 60
        told = ""
        while told.count("preparing the data") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            told += capfd.readouterr().err
    assert all(line.endswith("preparing the data") for line in told.splitlines())


def test_nobody_listens(tmp_path: Path) -> None:
    """Where stderr is closed it is silent."""
    line = f"{shlex.join(command(*TINY))} 2>&-"
    finished = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, timeout=300
    )
    assert finished.returncode == 0
    assert b"reference:numpy" in finished.stdout
    assert list((tmp_path / "results").iterdir())
