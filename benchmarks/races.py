"""Playing cells in lockstep from a benchmark: the suite's own conductor, its records in a scratch
folder."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compare.planning.plan import make_plan
from compare.records.record_types import AnyRecord
from compare.records.run_folder import RunFolder
from compare.records.values import Request
from compare.running.conductor import Conductor
from compare.running.progress import Silent


def play(
    preset: str,
    backends: Sequence[str],
    run: dict[str, Any],
    scratch: Path,
    progress: Silent,
    steps: int = 100,
    ranks: int = 1,
    **train: Any,
) -> list[AnyRecord]:
    """The records of a language model that all of `backends` trained on the CPU, with these
    settings of the sections `run` and `train`, as `progress` showed it; each of so many `ranks`."""
    request = Request(
        task="lm",
        preset=preset,
        overrides=[{"train": {"steps": steps, **train}, "run": {"device": "cpu", **run}}],
        backends=list(backends),
        pythons={},
        ranks=[ranks],
    )
    plan = make_plan(request, sys.argv, watch=progress.begin)
    folder = RunFolder.create(scratch, "lm", preset)
    Conductor(plan, folder, progress).run()
    return folder.records()
