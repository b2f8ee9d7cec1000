"""The figures of `make bench` as one Markdown page.

    python benchmarks/table.py results/reference/bench

Reads the JSON files that the benchmarks left in the folder, and writes its README.md.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from against_itself import sentences as of_itself
from repeatability import sentences

from compare.findings.number_text import count_of
from compare.meters import machine

Rows = list[dict[str, Any]]


def main(folder: Path) -> int:
    parts: list[tuple[str, Callable[[Any], Iterator[str]]]] = [
        ("native.json", _native),
        ("peers.json", _peers),
        ("modes.json", _modes),
        ("overhead.json", _overhead),
        ("itself.json", _itself),
        ("repeatability-small.json", partial(_repeatability, "small")),
        ("repeatability-gpt.json", partial(_repeatability, "gpt")),
        ("many_cells.json", _many_cells),
    ]
    lines = ["# The suite, measured", "", *_about(folder), ""]
    for name, text in parts:
        if (folder / name).is_file():
            lines += [*text(json.loads((folder / name).read_text("utf-8"))), ""]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")
    return 0


def _about(folder: Path) -> list[str]:
    """The machine that the figures are of, kept beside them."""
    kept = folder / "machine.json"
    if not kept.is_file():
        kept.write_text(json.dumps(machine.describe(), indent=2) + "\n", encoding="utf-8")
    found = json.loads(kept.read_text("utf-8"))
    return [
        f"By `make bench` on {found['cpu']}, {count_of(found['cpus'], 'CPU')}, {found['system']},"
        f" Python {found['python']}. Ratios are of windows played in pairs, a moment apart, with"
        " 95% intervals: above 1, the first is faster."
    ]


def _repeatability(preset: str, rows: Rows) -> Iterator[str]:
    yield f"## One comparison of {preset}, again and again"
    yield ""
    yield from sentences(rows)


def _native(rows: Rows) -> Iterator[str]:
    yield "## Each adapter against a loop written by hand in its framework"
    yield ""
    yield from _races(rows)
    yield ""
    yield (
        "Up to six pairs are rounds, a fresh process each; more are windows of one process,"
        " whose intervals know nothing of another process's."
        " `keras_fit` is Keras's own `fit`. The Keras loops have Keras's own Adam, whose epsilon is"
        " another: hence their difference in loss."
    )


def _peers(rows: Rows) -> Iterator[str]:
    yield "## Each adapter against what people train with instead"
    yield ""
    yield from _races(rows)


def _races(rows: Rows) -> Iterator[str]:
    yield from _table(
        ["model", "backend", "against", "tokens/s", "theirs", "as fast", "pairs", "loss diff."],
        [
            [
                row["preset"], row["backend"], row["opponent"],
                f"{row['tokens_per_second']:,.0f}", f"{row['native_tokens_per_second']:,.0f}",
                _ratio(row["ratio"]), str(row["pairs"]), f"{row['max_loss_difference']:.1e}",
            ]
            for row in rows
        ],
        left=3,
    )  # fmt: skip


def _modes(rows: Rows) -> Iterator[str]:
    yield "## Modes, each against the default of its backend"
    yield ""
    yield from _table(
        ["model", "mode", "step", "of its default", "of roofline", "compile", "peak memory"],
        [
            [
                row["preset"], row["mode"], f"{row['step_seconds'] * 1e3:.1f} ms",
                _ratio(row["of_default"]) if row["of_default"] else "default",
                f"{row['roofline_share']:.0%}" if row["roofline_share"] else "",
                f"{row['compile_seconds']:.1f} s", f"{row['peak_memory_bytes'] / 1e6:.0f} MB",
            ]
            for row in rows
        ],
        left=2,
    )  # fmt: skip


def _overhead(found: dict[str, Any]) -> Iterator[str]:
    yield "## What the suite itself costs"
    yield ""
    yield from _table(
        ["backend", "harness", "conductor", "import", "bare import", "idle", "bare"],
        [
            [
                row["backend"], f"{row['harness_share']:.3%} of a window",
                f"{row['conductor_share']:.2%} of a core",
                *(f"{row[name]:.2f} s" for name in ("start_seconds", "bare_start_seconds")),
                *(f"{row[name] / 1e6:.0f} MB" for name in ("idle_bytes", "bare_bytes")),
            ]
            for row in found["rows"]
        ],
        left=1,
    )  # fmt: skip
    ranking = found["ranking"]
    yield ""
    yield (
        f"A ranking of {len(found['rows'])} backends on `{ranking['preset']}` had half-widths of"
        f" {ranking['half_width']:.1%} or less (asked: {ranking['wanted_half_width']:.0%}) after"
        f" {ranking['seconds']:.0f} s, {ranking['pairs']} windows each, start-up included."
    )


def _itself(rows: Rows) -> Iterator[str]:
    yield "## A/A"
    yield ""
    yield from (f"{one}." for one in of_itself(rows))


def _many_cells(found: dict[str, Any]) -> Iterator[str]:
    yield "## Many cells"
    yield ""
    yield (
        f"{found['cells']:,} stored cells are loaded and reported in {found['seconds']:.2f} s, with"
        f" a peak of {found['bytes'] / 1e6:.0f} MB; `compare history` over them takes"
        f" {found['history']['seconds']:.2f} s."
    )


def _table(titles: list[str], rows: list[list[str]], left: int) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield "|" + "|".join(["---"] * left + ["---:"] * (len(titles) - left)) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _ratio(found: dict[str, float]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f}–{found['high']:.3f})"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("table: takes the folder of the figures")
    sys.exit(main(Path(sys.argv[1])))
