"""What the suite itself costs: time in a window outside the framework, the conductor while a
window runs, start-up and memory over the bare framework, and the time to a precise ranking.

    python benchmarks/overhead.py --precision 2% --budget 15m

One run of four backends; bare frameworks are processes that only import them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich import box
from rich.table import Table

from compare.commands.tables import print_whole
from compare.findings.number_text import count_of
from compare.findings.speed import widest
from compare.findings.summary import summarise
from compare.records.record_types import AnyRecord, Ended, Header, Opened, Window
from compare.records.run_folder import RunFolder
from compare.running.progress import watched

BARE = {
    "torch": "import torch",
    "tensorflow": "import tensorflow",
    "keras": "import keras, tensorflow",
    "jax": "import jax, flax, optax; jax.devices()",
}
_MEASURE = "; import psutil; print(psutil.Process().memory_info().rss)"
_IMPORTS = 3


def main() -> int:
    options = _options()
    backends, rows = options.backend.split(","), []
    with tempfile.TemporaryDirectory() as scratch, watched() as progress:
        progress.begin(f"a run of {count_of(len(backends), 'backend')}")
        began = time.monotonic()
        folder = _play(options, Path(scratch))
        seconds = time.monotonic() - began
        records = folder.records()
        for done, name in enumerate(backends):
            progress.count(f"bare {name}", done, len(backends))
            rows.append(_row(name, records))
    ranking = _ranking(records, seconds)
    _show(rows, ranking)
    if options.json:
        options.json.write_text(json.dumps({"rows": rows, "ranking": ranking}, indent=2) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", default=",".join(BARE))
    parser.add_argument("--preset", default="small")
    parser.add_argument("--precision", default="2%")
    parser.add_argument("--budget", default="15m")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


def _play(options: argparse.Namespace, out: Path) -> RunFolder:
    done = subprocess.run(
        [
            sys.executable, "-P", "-m", "compare", "--task", "lm", "--preset", options.preset,
            "--backend", options.backend, "--precision", options.precision,
            "--budget", options.budget, "--out", str(out), "--json",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"overhead: {done.stderr or done.stdout[-2000:]}")
    (folder,) = out.iterdir()
    return RunFolder(folder)


def _row(name: str, records: list[AnyRecord]) -> dict[str, Any]:
    """One backend: shares of its timed windows, and what its worker needs beyond a bare import."""
    windows = [r for r in records if isinstance(r, Window) and r.cell.backend == name]
    timed = [w for w in windows if w.is_timed and not w.cell.echo]
    opened = next(r for r in records if isinstance(r, Opened) and r.cell.backend == name)
    seconds = sum(w.seconds for w in timed)
    bare = [_bare(BARE[name]) for _ in range(_IMPORTS)]
    return {
        "backend": opened.cell.label,
        "harness_share": sum(w.harness_seconds or 0 for w in timed) / seconds,
        "conductor_share": sum(w.conductor_cpu_seconds or 0 for w in timed) / seconds,
        "start_seconds": opened.seconds,
        "bare_start_seconds": median(took for took, _ in bare),
        "idle_bytes": opened.memory_bytes,
        "bare_bytes": round(median(held for _, held in bare)),
    }


def _bare(imports: str) -> tuple[float, int]:
    """Seconds and resident bytes of a process that only imports; its interpreter's start not
    counted, as in `Opened.seconds`."""
    code = f"import time; b = time.perf_counter(); {imports}; print(time.perf_counter() - b)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code + _MEASURE], capture_output=True, text=True, check=True
    )
    took, held = done.stdout.split()[-2:]
    return float(took), int(held)


def _ranking(records: list[AnyRecord], seconds: float) -> dict[str, Any]:
    header = next(r for r in records if isinstance(r, Header))
    found = summarise(records)
    return {
        "preset": header.preset,
        "wanted_half_width": header.run["precision"],
        "half_width": widest(found.comparisons),
        "pairs": min(c.pairs for c in found.comparisons),
        "seconds": seconds,
        "failed": [r.cell.label for r in records if isinstance(r, Ended) and r.status != "ok"],
        "ratios": {f"{c.first} / {c.second}": c.ratio.model_dump() for c in found.comparisons},
    }


def _show(rows: list[dict[str, Any]], ranking: dict[str, Any]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("backend")
    for title in ("harness", "conductor", "import", "bare import", "idle", "bare"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["backend"],
            f"{row['harness_share']:.3%} of a window",
            f"{row['conductor_share']:.2%} of a core",
            f"{row['start_seconds']:.2f} s",
            f"{row['bare_start_seconds']:.2f} s",
            f"{row['idle_bytes'] / 1e6:.0f} MB",
            f"{row['bare_bytes'] / 1e6:.0f} MB",
        )
    print_whole(table)
    print(
        f"ranking of {len(rows)} to +-{ranking['half_width']:.1%} (asked:"
        f" +-{ranking['wanted_half_width']:.0%}) in {ranking['seconds']:.0f} s,"
        f" {ranking['pairs']} pairs of windows each"
    )


if __name__ == "__main__":
    sys.exit(main())
