"""Every mode of every backend in lockstep, each held against its backend's default mode.

    python benchmarks/modes.py --preset small,lstm,gpt --budget 8m

What decides which mode is the first one of a backend, and so its default.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from races import play
from rich import box
from rich.table import Table

from compare.commands.tables import print_whole
from compare.findings import speed
from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.findings.number_text import count_of
from compare.findings.summary import summarise
from compare.planning.survey import describe_backends
from compare.plugins import installed
from compare.records.record_types import header_of
from compare.running.progress import Silent, watched
from compare.stats import intervals


def main() -> int:
    options = _options()
    rows, presets = [], options.preset.split(",")
    with tempfile.TemporaryDirectory() as scratch, watched() as progress:
        for number, preset in enumerate(presets, 1):
            progress.point(number, len(presets), f"every mode of {preset}")
            rows += _rows(preset, options, Path(scratch), progress)
            if options.json:  # after each: a benchmark of an hour may be cut off
                options.json.write_text(json.dumps(rows, indent=2) + "\n")
    _show(rows)
    return 1 if any(row["status"] != "ok" for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="small,lstm,gpt")
    parser.add_argument("--backend", default="torch,tensorflow,keras,jax")
    parser.add_argument("--budget", default="8m", help="of each preset")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def _rows(
    preset: str, options: argparse.Namespace, scratch: Path, progress: Silent
) -> list[dict[str, Any]]:
    described = describe_backends(installed("backend"), {})
    labels = [
        f"{name}:{mode}" for name in options.backend.split(",") for mode in described[name].modes
    ]
    run = {"budget": options.budget, "rounds": 1}
    records = play(preset, labels, run, scratch, progress)
    names = {cell.label: cell for cell in header_of(records).cells}
    summaries = {row.label: row for row in summarise(records).cells}
    rows = []
    for label in labels:
        backend = label.partition(":")[0]
        default = f"{backend}:{described[backend].modes[0]}"
        cells = [Cell(names[one], records) for one in (label, default)]
        sample = speed.paired(cells[0].timings, cells[1].timings)
        ratio = sample.ratio() if label != default else None
        rows.append(_row(preset, summaries[label], ratio, len(sample.logs)))
    return rows


def _row(
    preset: str, found: CellSummary, ratio: intervals.Interval | None, pairs: int
) -> dict[str, Any]:
    return {
        "preset": preset,
        "mode": found.label,
        "status": found.status,
        "reason": found.reason,
        "step_seconds": found.step_seconds,
        "of_default": ratio and ratio._asdict(),
        "pairs": pairs,
        "roofline_share": found.roofline_share,
        "compile_seconds": found.phases.get("compile"),
        "peak_memory_bytes": found.peak_memory_bytes,
    }


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("model", "mode"):
        table.add_column(title, no_wrap=True)
    for title in ("step", "of its default (95%)", "of roofline", "compile", "peak"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        if row["status"] != "ok":
            table.add_row(row["preset"], row["mode"], row["status"], row["reason"])
            continue
        ratio, share = row["of_default"], row["roofline_share"]
        table.add_row(
            row["preset"],
            row["mode"],
            f"{row['step_seconds'] * 1e3:.1f} ms",
            f"{ratio['value']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})" if ratio else "-",
            f"{share:.0%}" if share else "-",
            f"{row['compile_seconds']:.1f} s",
            f"{row['peak_memory_bytes'] / 1e6:.0f} MB",
        )
    print_whole(table)
    ran = sum(row["status"] == "ok" for row in rows)
    print(f"{ran} of {count_of(len(rows), 'mode')} ran.")


if __name__ == "__main__":
    sys.exit(main())
