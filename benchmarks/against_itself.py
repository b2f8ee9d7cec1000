"""How often a backend is called faster than itself: each against a second process of its own.

    python benchmarks/against_itself.py --runs 25

Every run gives one comparison for each backend, by 95% intervals: of a hundred, five may be wrong.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from races import play

from compare.errors import UserError
from compare.findings.number_text import count_of
from compare.findings.summary import summarise
from compare.running.progress import watched


def main() -> int:
    options = _options()
    found: list[dict[str, Any]] = []
    with watched() as progress:
        for number in range(1, options.runs + 1):
            run = {"control": True, "rounds": options.rounds, "roofline": False}
            if options.budget:
                run["budget"] = options.budget
            with tempfile.TemporaryDirectory() as scratch:
                progress.point(number, options.runs, options.preset)
                records = play(
                    options.preset, options.backend.split(","), run, Path(scratch), progress,
                    options.steps, validation_batches=1,
                )  # fmt: skip
            for row in summarise(records).cells:
                if row.ratio_to_itself is None or row.ratio_to_itself.low is None:
                    raise UserError(f"{row.label} {row.status}: {row.reason or 'no interval'}")
                ratio = row.ratio_to_itself.model_dump()
                about = {"backend": row.label, "rounds": options.rounds}
                found.append({**about, "windows": row.timed_windows, **ratio})
            if options.json:  # after each: a benchmark of an hour may be cut off
                options.json.write_text(json.dumps(found, indent=2) + "\n")
    print("\n".join(sentences(found)))
    return 0


def sentences(found: list[dict[str, Any]]) -> list[str]:
    """Of each number of rounds."""
    return [
        _sentence(rounds, [one for one in found if one["rounds"] == rounds])
        for rounds in sorted({one["rounds"] for one in found})
    ]


def _sentence(rounds: int, found: list[dict[str, Any]]) -> str:
    """How many comparisons there were, and how many of their intervals exclude 1."""
    apart = [one for one in found if not one["low"] <= 1 <= one["high"]]
    widths = sorted((one["high"] / one["low"]) ** 0.5 - 1 for one in found)
    sizes = [max(one["value"], 1 / one["value"]) - 1 for one in apart]
    called = (
        f"{len(apart)} called different, by {max(sizes):.1%} at most"
        if apart
        else "none called different"
    )
    return (
        f"{len(found)} comparisons of a backend with itself, of {count_of(rounds, 'round')} each:"
        f" {called}; median half-width"
        f" {widths[len(widths) // 2]:.1%}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=25)
    parser.add_argument("--backend", default="torch,tensorflow,keras,jax")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--budget", help="time beyond the training, e.g. 1m")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(f"against_itself: {error}")
