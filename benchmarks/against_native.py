"""Each backend adapter against the plain loop that a user of its framework would write.

    python benchmarks/against_native.py --backend torch,jax --steps 100

Both train the same experiment in lockstep, so that each of our windows has a partner that the
hand-written loop in `native/` played a moment earlier or later. Above 1, the adapter is faster.
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
from compare.overrides import Overrides
from compare.parity import relative_difference
from compare.plan import make_plan
from compare.progress import LiveProgress, Silent
from compare.results import AnyRecord, CellName, Ended, RunFolder, Window

NATIVE = Path(__file__).parent / "native"
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax")


def main() -> int:
    options = _options()
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("framework")
    for title in ("tokens/s", "native", "tokens/s of native (95%)", "loss diff."):
        table.add_column(title, justify="right", no_wrap=True)
    ends: list[Ended] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.backend:
            folder, (ours, native) = _play(name, options, Path(scratch))
            records = folder.records()
            table.add_row(ours.label, *_row(records, ours, native))
            ends += [record for record in records if isinstance(record, Ended)]
    Console().print(table)
    for end in ends:
        if end.status != "ok":
            print(f"{end.cell.label} {end.status}: {end.reason}\n{end.log_tail}", file=sys.stderr)
    return 1 if any(end.status == "failed" for end in ends) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", type=_split, default=FRAMEWORKS, help="such as torch,jax")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--preset", default="small")
    return parser.parse_args()


def _split(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name.partition(":")[0] not in FRAMEWORKS:
            raise argparse.ArgumentTypeError(f"no native loop for '{name}': {FRAMEWORKS}")
    return names


def _play(name: str, options: argparse.Namespace, out: Path) -> tuple[RunFolder, list[CellName]]:
    """One framework's two cells in lockstep, ours first; `name` may be "torch:compile"."""
    native = NATIVE / f"{name.partition(':')[0]}_loop.py"
    overrides: list[Overrides] = [{"train": {"steps": options.steps}, "run": {"device": "cpu"}}]
    plan = make_plan("lm", options.preset, overrides, [name, str(native)], {}, sys.argv)
    folder = RunFolder.create(out, "lm", options.preset)
    console = Console(stderr=True)
    watcher = LiveProgress(console) if console.is_terminal else Silent()
    with watcher:
        Conductor(plan, folder, watcher).run()
    return folder, plan.cells


def _row(records: list[AnyRecord], ours: CellName, native: CellName) -> list[str]:
    """The cells' figures over the steady windows that both have played."""
    windows = [record for record in records if isinstance(record, Window)]
    timings: dict[CellName, dict[int, stats.Timing]] = {ours: {}, native: {}}
    curves: dict[CellName, list[float]] = {ours: [], native: []}
    for window in windows:
        if window.cell in timings:
            curves[window.cell] += window.losses
            if window.role == "steady":
                timings[window.cell][window.index] = stats.Timing(window.tokens, window.seconds)
    paired = sorted(timings[ours].keys() & timings[native].keys())
    mine, theirs = ([timings[cell][index] for index in paired] for cell in (ours, native))
    difference = relative_difference(curves[ours], curves[native])
    return [
        _text(stats.throughput(mine), ",.0f", ends=False),
        _text(stats.throughput(theirs), ",.0f", ends=False),
        _text(stats.ratio(mine, theirs), ".3f"),
        f"{difference.max():.1e}" if len(difference) else "-",
    ]


def _text(interval: stats.Interval | None, form: str, ends: bool = True) -> str:
    if interval is None:
        return "-"
    value, low, high = interval
    if not ends or low is None or high is None:
        return f"{value:{form}}"
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"against_native: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
