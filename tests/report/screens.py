"""Runs whose tables are looked at: those that took place, and some that went otherwise."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from compare.report.terminal import report
from conftest import ROOT, STORED, environment
from fake_records import MACHINE, A, B, C, header, steady, whole, window

from compare.archive.scaling import SweepSummary, SweptPoint, scalings
from compare.archive.stored import stored_summary
from compare.findings.summary import Summary, summarise
from compare.records.record_types import AnyRecord, Ended, Opened
from compare.records.run_folder import RunFolder
from compare.records.values import CellName
from compare.reporting.showing import View

WIDTHS = (60, 78, 100, 120, 200)
VIEWS = {
    "": View(),
    "wide": View(wide=True),
    "columns": View(columns=("peak mem", "compile", "Valid-Loss", "tokens/s")),
    "baseline": View(baseline="torch:eager"),
    "verbose": View(verbose=True),
}
Runs = Mapping[str, Summary | SweepSummary]
_MARK = "=== "
_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_REASON = (
    "RuntimeError: the compiler gave up on a graph of 12,345 nodes after the third attempt"
    " (adapters/that/nobody/would/write.py:118)"
)
LONG = CellName(backend="an_adapter_with_a_name_that_nobody_would_want_to_type", mode="default")


def summaries() -> dict[str, Summary | SweepSummary]:
    """By name: a task with a target and three metrics, one alone, a failure of every kind, a tie,
    and so on."""
    stored = ("lm-small", "lm-long", "sentiment-reviews", "translation-captions")
    found = {name: stored_summary(RunFolder(STORED / name)) for name in stored}
    return found | {
        "failures": _failures(),
        "tie": raced({A: 1.0, B: 1.002, C: 1.3}),
        "two": raced({A: 1.0, B: 1.3}),
        "many-times": raced({A: 1.0, B: 4.5, C: 1.2}, price_per_hour=0.4),
        "not-judged": raced({A: 1.0, B: 1.3, C: 1.4}, windows=3),
        "too-short": raced({A: 0.001, B: 0.0013}),
        "interrupted": raced({A: 1.0, B: 1.3}, interrupted={B}),
        "nothing-timed": raced({A: 1.0, B: 1.3}, windows=0),
        "control": raced({A: 1.0, B: 1.3}, control=True),
        "long-names": raced({A: 1.0, LONG: 1.3}),
        "sweep": _swept(found["lm-small"]),
    }


def on_screens(folder: Path, runs: Runs, columns: int) -> dict[str, str]:
    """What a terminal so wide shows of each run in each view, as "NAME" or "NAME VIEW"; baselines
    of those only that have the row."""
    for name, summary in runs.items():
        (folder / f"{name}.json").write_text(summary.model_dump_json())
    shown = on_a_screen([sys.executable, "-P", __file__, str(folder)], columns)
    parts = [part.partition("\n") for part in shown.split(_MARK) if part]
    return {title.strip(): text for title, _, text in parts}


def on_a_screen(command: list[str], columns: int, cwd: Path | None = None) -> str:
    """What a command shows on a terminal of this width, without colours."""
    read, write = pty.openpty()
    fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    shown = bytearray()
    path = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command, stdin=write, stdout=write, stderr=write, cwd=cwd, close_fds=True,
        env=environment() | {"TERM": "xterm", "PYTHONPATH": path},
    ):  # fmt: skip
        os.close(write)
        while True:
            try:
                part = os.read(read, 1 << 16)
            except OSError:  # as Linux says that nobody writes any more
                break
            if not part:
                break
            shown += part
    os.close(read)
    return _COLOURS.sub("", shown.decode().replace("\r\n", "\n"))


def raced(
    seconds: Mapping[CellName, float],
    windows: int = 8,
    interrupted: frozenset[CellName] | set[CellName] = frozenset(),
    control: bool = False,
    **settings: float,
) -> Summary:
    """Of cells that take so many seconds for a window."""
    records: list[AnyRecord] = [_header(*seconds, **settings)]
    for cell, pace in seconds.items():
        stride = 1 + len(records) % 5  # else all cells would wander alike
        times = [pace * (1 + 0.01 * (stride * (i + 1) % 7)) for i in range(windows)]
        records += _of(cell, times, cut=cell in interrupted)
        if control:
            records += _of(cell.its_control(), [1.004 * time for time in times])
    return summarise(records)


def _of(cell: CellName, times: list[float], cut: bool = False) -> list[AnyRecord]:
    played = steady(cell, times) or [window(cell, "warmup", 0, 100, 1.0)]
    *begun, end = whole(cell, played)
    return [*begun, Ended(cell=cell, round=1, status="interrupted") if cut else end]


def _failures() -> Summary:
    """One that went well, one that died while it was timed, one at once, one that never began."""
    died, never = CellName(backend="died", mode="at_once"), CellName(backend="torch", mode="eager")
    begun = whole(B, steady(B, [1.1, 1.2, 1.3]))[:-2]
    opened = Opened(cell=died, round=1, seconds=1, memory_bytes=1, versions={}, devices=[])
    return summarise(
        [
            _header(A, died, never, B),
            *whole(A, steady(A, [1.0, 1.01, 1.02, 1.03, 1.01, 1.02])),
            *begun,
            Ended(cell=B, round=1, status="failed", reason="killed by SIGKILL", log_tail="bye"),
            opened,
            Ended(cell=died, round=1, status="failed", reason=_REASON),
            Ended(cell=never, round=1, status="skipped", reason="torch is not installed"),
        ]
    )


def _swept(summary: Summary) -> SweepSummary:
    points = [
        SweptPoint(name=f"batch={batch}", values={"train.batch": batch}, summary=played)
        for batch, played in ((8, summary), (16, summary), (32, None))
    ]
    axes: dict[str, list[Any]] = {"train.batch": [8, 16, 32]}
    return SweepSummary(
        run_id="swept", command=["compare"], axes=axes, points=points,
        scaling=scalings(axes, points),
    )  # fmt: skip


def _header(*cells: CellName, **settings: float) -> AnyRecord:
    return header(*cells, **settings).model_copy(update={"machine": MACHINE})


def _print_all(folder: Path) -> None:
    for path in sorted(folder.glob("*.json")):
        text = path.read_bytes()
        is_sweep = b'"axes"' in text
        summary = (SweepSummary if is_sweep else Summary).model_validate_json(text)
        labels = set() if is_sweep else {cell.label for cell in summary.cells}
        for name, view in VIEWS.items():
            if not view.baseline or view.baseline in labels:
                print(f"{_MARK}{path.stem} {name}".rstrip())
                print(report.show(summary, view), end="")


if __name__ == "__main__":
    _print_all(Path(sys.argv[1]))
