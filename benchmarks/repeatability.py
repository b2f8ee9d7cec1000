"""Is an interval one for the next run? One comparison, played again and again.

    python benchmarks/repeatability.py --runs 20 --preset small

Of 95% intervals, 19 of 20 should cover the mean of all runs. Those of the windows of one process
do not, since these share its luck.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from races import play

from compare.errors import UserError
from compare.findings.summary import summarise
from compare.records.record_types import header_of
from compare.running.progress import watched


def main() -> int:
    options = _options()
    found: list[dict[str, Any]] = []
    with watched() as progress:
        for number in range(1, options.runs + 1):
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as scratch:
                progress.point(number, options.runs, options.preset)
                records = play(
                    options.preset, options.backend.split(","), {"roofline": False}, Path(scratch),
                    progress, options.steps, validation_batches=1,
                )  # fmt: skip
            took = time.monotonic() - began
            for one in summarise(records).comparisons:
                ends = one.ratio.model_dump()
                if one.first > one.second:  # which of them was ahead may change from run to run
                    low, high = (one.ratio.low or 0.0), (one.ratio.high or math.inf)
                    ends = {"value": 1 / one.ratio.value, "low": 1 / high, "high": 1 / low}
                pair = " / ".join(sorted((one.first, one.second)))
                found.append({"pair": pair, "unit": one.unit, "verdict": one.verdict,
                              "cpu": header_of(records).machine["cpu"],
                              "seconds": round(took, 1), **ends})  # fmt: skip
            if options.json:  # after each: a benchmark of an hour may be cut off
                options.json.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(sentences(found)))
    return 0


def sentences(found: list[dict[str, Any]]) -> list[str]:
    """Of each pair, how many of its intervals cover the mean of all."""
    lines = []
    for pair in sorted({one["pair"] for one in found}):
        mine = [one for one in found if one["pair"] == pair]
        mean = math.exp(fmean(math.log(one["value"]) for one in mine))
        covering = sum(one["low"] <= mean <= one["high"] for one in mine)
        values = [one["value"] for one in mine]
        half = fmean(math.sqrt(one["high"] / one["low"]) - 1 for one in mine)
        lines.append(
            f"{pair}: {covering} of {len(mine)} intervals cover the mean of all, {mean:.3f};"
            f" {min(values):.3f} to {max(values):.3f}, mean half-width {half:.1%},"
            f" {fmean(one['seconds'] for one in mine):.0f} s a run, on {mine[0]['cpu']}"
        )
    return lines


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--backend", default="torch,jax")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"repeatability: {error}")
