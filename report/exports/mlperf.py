"""MLPerf log lines (`:::MLLOG {...}`), a file per cell, by the library mlperf-logging.

They are in the format of MLPerf Training and use its keys; a submission they are not: tasks and
models are this suite's own.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from compare.errors import UserError
from compare.extras import needed
from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.findings.summary import Summary
from compare.records.record_types import AnyRecord, Evaluated

from . import cells_of, file_name, training_seconds

_TIMES = (
    "# Times are the start of the run plus the seconds that this backend itself took: records hold"
    " durations, and the turns of the other backends are left out."
)
_PRECISIONS = {"bf16": "bfloat16"}


class _Event(NamedTuple):
    kind: str  # "start", "end" or "event", the methods of a logger
    key: str
    value: Any
    seconds: float  # since the start of the run
    metadata: dict[str, Any]


class MLPerfExporter:
    name = "mlperf"

    def export(self, summary: Summary, records: Sequence[AnyRecord], target: str) -> str:
        """Into `target`, a folder, by default "mlperf": RUN/BACKEND-MODE.log."""
        mllog = needed("mlperf_logging.mllog.mllog", "mlperf")
        folder = Path(target or "mlperf") / file_name(summary.run_id)
        for row, cell, started in cells_of(summary, records):
            path = folder / f"{file_name(row.label)}.log"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_text(_TIMES + "\n", encoding="utf-8")
                handler = logging.FileHandler(path, encoding="utf-8")
            except OSError as error:
                raise UserError(f"cannot write to '{path}': {error.strerror}") from None
            to_file = logging.Logger("mlperf", logging.INFO)
            to_file.addHandler(handler)
            logger = mllog.MLLogger(to_file, root_dir=str(Path(__file__).parent))
            for one in _events(mllog.constants, summary, row, cell):
                log = getattr(logger, one.kind)
                log(one.key, one.value, one.metadata, time_ms=int((started + one.seconds) * 1e3))
            handler.close()
        return str(folder)


def _events(keys: Any, summary: Summary, row: CellSummary, cell: Cell) -> Iterator[_Event]:
    prepared = row.phases.get("import", 0.0) + row.phases.get("build", 0.0)
    yield _Event("start", keys.INIT_START, None, 0.0, {})
    for key, value in _settings(keys, summary, row).items():
        yield _Event("event", key, value, 0.0, {})
    yield _Event("end", keys.INIT_STOP, None, prepared, {})
    yield _Event("start", keys.RUN_START, None, prepared, {})
    batch, now = summary.experiment["train"]["batch"], prepared
    trained, seconds = 0, training_seconds(cell)
    for one in cell.evaluations:
        samples = {keys.SAMPLES_COUNT: trained * batch}
        yield _Event("start", keys.BLOCK_START, None, now, samples)
        now += _between(seconds, trained, one.step)
        trained = one.step
        samples = {keys.SAMPLES_COUNT: trained * batch}
        yield _Event("end", keys.BLOCK_STOP, None, now, samples)
        yield _Event("start", keys.EVAL_START, None, now, samples)
        now += one.seconds
        for metric, value in _scores(one).items():
            about = {**samples, keys.STEP_NUM: one.step, "metric": metric}
            yield _Event("event", keys.EVAL_ACCURACY, value, now, about)
        yield _Event("end", keys.EVAL_STOP, None, now, samples)
    if row.tokens_per_second:
        figures = {"throughput": row.tokens_per_second.value, "unit": "tokens/s"}
        yield _Event("event", "tracked_stats", figures, now, {keys.STEP_NUM: len(seconds)})
    ended = keys.SUCCESS if row.status == "ok" else keys.ABORTED
    yield _Event("end", keys.RUN_STOP, None, now, {keys.STATUS: ended})


def _settings(keys: Any, summary: Summary, row: CellSummary) -> dict[str, Any]:
    experiment = summary.experiment
    train, optimizer = experiment["train"], experiment["optimizer"]
    precision = _PRECISIONS.get(train["dtype"], train["dtype"])
    found = {
        keys.SUBMISSION_BENCHMARK: experiment["task"],
        keys.SUBMISSION_DIVISION: keys.OPEN,
        keys.SUBMISSION_STATUS: keys.RESEARCH,
        keys.SUBMISSION_PLATFORM: f"{summary.environment.get('cpu')}, {row.label}",
        keys.CONFIG_FILENAME: f"{summary.run_id}, experiment {summary.fingerprint}",
        keys.SEED: train["seed"],
        keys.GLOBAL_BATCH_SIZE: train["batch"],
        keys.GRADIENT_ACCUMULATION_STEPS: train["accumulation"],
        keys.MAX_SEQUENCE_LENGTH: train["sequence_length"],
        keys.MAX_STEPS: train["steps"],
        keys.LOWEST_NUMERICAL_PRECISION_IN_LINEAR: precision,
        keys.OPT_NAME: optimizer["name"],
        keys.OPT_BASE_LR: optimizer["learning_rate"],
        keys.OPT_LR_DECAY_SCHEDULE: optimizer["schedule"],
        keys.OPT_LR_WARMUP_STEPS: optimizer["warmup_steps"],
        keys.OPT_WEIGHT_DECAY: optimizer["weight_decay"],
    }
    if optimizer["clip_norm"] is not None:
        found[keys.OPT_GRADIENT_CLIP_NORM] = optimizer["clip_norm"]
    if optimizer["name"] != "sgd":
        found |= {
            f"opt_{optimizer['name']}_beta_1": optimizer["beta1"],
            f"opt_{optimizer['name']}_beta_2": optimizer["beta2"],
            f"opt_{optimizer['name']}_epsilon": optimizer["epsilon"],
        }
    return found


def _scores(evaluated: Evaluated) -> dict[str, float | str]:
    found = {"loss": evaluated.loss, **{n: q.value for n, q in evaluated.quality.items()}}
    return {name: x if math.isfinite(x) else str(x) for name, x in found.items()}


def _between(seconds: Sequence[float], first: int, last: int) -> float:
    """Of the steps after `first`, to `last`."""
    known = [0.0, *seconds]
    return known[min(last, len(seconds))] - known[min(first, len(seconds))]


exporter = MLPerfExporter()
