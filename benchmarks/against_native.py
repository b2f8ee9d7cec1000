"""Each backend adapter against the plain loop that a user of its framework would write.

    python benchmarks/against_native.py --backend torch,jax --steps 100

Both train the same experiment in lockstep, so each of our windows has a partner that the
hand-written loop of `native/` played a moment earlier or later. Ratios above 1: we are faster.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from compare import stats
from compare.conductor import Conductor
from compare.errors import UserError
from compare.parity import relative_difference
from compare.plan import make_plan
from compare.progress import LiveProgress, Silent
from compare.results import AnyRecord, CellName, Ended, RunFolder, Window

NATIVE = Path(__file__).parent / "native"
BACKENDS = sorted(path.stem.removesuffix("_loop") for path in NATIVE.glob("*_loop.py"))


def main() -> int:
    options = _options()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("framework")
    for title in ("ours, tokens/s", "native, tokens/s", "ours / native (95%)", "loss difference"):
        table.add_column(title, justify="right")
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.backend.split(","):
            folder, (ours, native) = _play(name, options, Path(scratch))
            records = folder.records()
            table.add_row(name, *_row(records, ours, native))
            failures += [
                f"{end.cell.label} {end.status}: {end.reason}\n{end.log_tail}"
                for end in records
                if isinstance(end, Ended) and end.status != "ok"
            ]
    Console().print(table)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backend", default=",".join(BACKENDS), help="one or more, by commas")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--preset", default="small")
    options = parser.parse_args()
    for name in options.backend.split(","):
        if name.partition(":")[0] not in BACKENDS:
            parser.error(f"no native loop for '{name}': there is {', '.join(BACKENDS)}")
    return options


def _play(name: str, options: argparse.Namespace, out: Path) -> tuple[RunFolder, list[CellName]]:
    """One framework's two cells in lockstep, ours first; NAME:MODE plays another mode of ours."""
    native = NATIVE / f"{name.partition(':')[0]}_loop.py"
    overrides = [{"train": {"steps": options.steps}, "run": {"device": "cpu"}}]
    plan = make_plan("lm", options.preset, overrides, [name, str(native)], {}, sys.argv)
    folder = RunFolder.create(out, "lm", options.preset)
    console = Console(stderr=True)
    with LiveProgress(console) if console.is_terminal else Silent() as watcher:
        Conductor(plan, folder, watcher).run()
    return folder, plan.cells


def _row(records: list[AnyRecord], ours: CellName, native: CellName) -> list[str]:
    windows = {
        cell: [r for r in records if isinstance(r, Window) and r.cell == cell]
        for cell in (ours, native)
    }
    timings = {
        cell: {
            (w.round, w.index): stats.Timing(w.tokens, w.seconds)
            for w in played
            if w.role == "steady"
        }
        for cell, played in windows.items()
    }
    paired = sorted(timings[ours].keys() & timings[native].keys())
    mine, theirs = ([timings[cell][key] for key in paired] for cell in (ours, native))
    curves = [[loss for w in windows[cell] for loss in w.losses] for cell in (ours, native)]
    difference = relative_difference(*curves)
    return [
        _text(stats.throughput(mine), ",.0f"),
        _text(stats.throughput(theirs), ",.0f"),
        _text(stats.ratio(mine, theirs), ".3f"),
        f"{difference.max():.1e}" if len(difference) else "-",
    ]


def _text(interval: stats.Interval | None, form: str) -> str:
    if interval is None:
        return "-"
    value, low, high = (None if x is None else format(x, form) for x in interval)
    return f"{value} ({low} to {high})" if low and high else f"{value}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"against_native: {error}")
