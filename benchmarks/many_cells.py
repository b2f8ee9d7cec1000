"""What it takes to report 10,000 stored cells, or to list their history.

    python benchmarks/many_cells.py

They are a sweep of 2,500 points, four cells each. One small run is played; its folder stands for
every point.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from compare.archive.stored import store, stored_summary
from compare.records.run_folder import RECORDS, RunFolder
from compare.running.progress import watched

BACKENDS = "reference,torch,jax,tensorflow"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, default=2500)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        with watched() as progress:
            progress.begin("playing one run")
            sweep = _sweep(Path(scratch), options.points)
        cells, found = 4 * options.points, {}
        for command in ("report", "history"):
            found[command] = _measured(command, sweep)
            seconds, megabytes = found[command]["seconds"], found[command]["bytes"] / 1e6
            print(f"{command}: {cells:,} cells in {seconds:.2f} s, peak {megabytes:.0f} MB")
    if options.json:
        figures = {"cells": cells, **found["report"], "history": found["history"]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def _sweep(scratch: Path, points: int) -> Path:
    """A sweep over seeds, of which one point was played and the others are copies."""
    command = ["--task", "lm", "--preset", "tiny", "--backend", BACKENDS, "--out", str(scratch)]
    _compare(*command, "--sweep", "train.seed=0")
    (sweep,) = scratch.iterdir()
    manifest = json.loads((sweep / "sweep.json").read_text())
    (played,) = manifest["points"]
    seeds = range(points)
    manifest["axes"] = {"train.seed": list(seeds)}
    manifest["points"] = [{"name": f"seed={s}", "values": {"train.seed": s}} for s in seeds]
    (sweep / "sweep.json").write_text(json.dumps(manifest))
    for seed in seeds:
        copy = sweep / f"seed={seed}"
        if copy.name != played["name"]:
            _copy_as_another_run(sweep / played["name"], copy, seed)
    return sweep


def _copy_as_another_run(played: Path, copy: Path, seed: int) -> None:
    """With an id and a summary of its own: copies of one run count once."""
    run_id, summary = RunFolder(played).run_id, stored_summary(RunFolder(played))
    copy.mkdir()
    records = (played / RECORDS).read_text()
    (copy / RECORDS).write_text(
        records.replace(f'"run_id":"{run_id}"', f'"run_id":"{run_id}-{seed}"')
    )
    store(RunFolder(copy), summary.model_copy(update={"run_id": f"{run_id}-{seed}"}))


def _measured(command: str, sweep: Path) -> dict[str, float]:
    """Seconds and peak resident bytes of a command about the sweep, as a process."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "compare", command, str(sweep)], stdout=subprocess.DEVNULL
    ) as process:
        peak, watched = 0, psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, watched.memory_info().rss)
            time.sleep(0.01)
    if process.returncode:
        sys.exit(f"many_cells: compare {command} failed")
    return {"seconds": time.perf_counter() - began, "bytes": float(peak)}


def _compare(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "compare", *arguments], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"many_cells: {done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
