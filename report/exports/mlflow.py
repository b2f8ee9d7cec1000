"""MLflow tracking: an experiment per task, a run per cell.

`mlflow-skinny` is enough; what it takes for an SQLite store, SQLAlchemy and alembic, is in the
extra too. MLflow's own reporting of its use is off.
"""

import hashlib
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from compare.archive.tidy import figures_of
from compare.errors import UserError
from compare.extras import needed
from compare.findings.cell_summary import CellSummary
from compare.findings.cells import Cell
from compare.findings.summary import Summary
from compare.records.record_types import AnyRecord

from . import cells_of, training_seconds

_AT_ONCE = {"metrics": 1000, "params": 100, "tags": 100}  # as much as a server takes
_KEY, _CONTENT = "compare.cell", "compare.sha256"
_T = TypeVar("_T")


class MLflowExporter:
    name = "mlflow"

    def export(self, summary: Summary, records: Sequence[AnyRecord], target: str) -> str:
        """Into `target`, any tracking address, an SQLite file (.db) or a folder of MLflow's file
        store; by default mlflow.db. What is there already, and the same, is left alone."""
        _set_environment()
        mlflow = needed("mlflow", "mlflow")
        needed("sqlalchemy", "mlflow")
        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        address = _address(target)
        try:
            client = mlflow.MlflowClient(tracking_uri=address)
            experiment = _experiment(client, f"framework-compare/{summary.experiment['task']}")
            for row, cell, started in cells_of(summary, records):
                _export(mlflow.entities, client, experiment, summary, row, cell, started)
        except (mlflow.MlflowException, OSError) as error:
            why = (str(error).splitlines() or [""])[0]
            raise UserError(f"MLflow cannot write to '{address}': {why}") from None
        return address


def _set_environment() -> None:
    """What MLflow reads when it is imported: no reports of its use, few attempts, and the file
    store, which has to be allowed."""
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_ALLOW_FILE_STORE": "true",
    }.items():
        os.environ.setdefault(name, value)


def _address(target: str) -> str:
    if ":" in target or target == "databricks":
        return target
    if not target or target.endswith(".db"):
        return f"sqlite:///{Path(target or 'mlflow.db').resolve()}"
    return Path(target).resolve().as_uri()


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _export(
    entities: Any, client: Any, experiment: str, summary: Summary, row: CellSummary, cell: Cell,
    started: float,
) -> None:  # fmt: skip
    key = hashlib.sha256(f"{summary.run_id} {row.label}".encode()).hexdigest()
    content = hashlib.sha256(row.model_dump_json().encode()).hexdigest()
    for one in client.search_runs([experiment], f"tags.`{_KEY}` = '{key}'"):
        if one.data.tags.get(_CONTENT) == content:
            return
        client.delete_run(one.info.run_id)  # the run was gone on with since
    start = int(started * 1e3)
    made = client.create_run(
        experiment, start_time=start, run_name=f"{summary.run_id} {row.label}", tags={_KEY: key}
    )
    run = made.info.run_id
    seconds = training_seconds(cell)
    metrics = [
        entities.Metric(name, value, start + int(1e3 * _at(seconds, step)), step)
        for name, value, step in _metrics(row, cell, len(seconds))
    ]
    params = [entities.Param(name, str(value)) for name, value in _flat(summary.experiment)]
    tags = [entities.RunTag(name, text) for name, text in _tags(summary, row).items()]
    for kind, found in {"params": params, "tags": tags, "metrics": metrics}.items():
        for part in _parts(found, _AT_ONCE[kind]):
            client.log_batch(run, **{kind: part})
    client.set_tag(run, _CONTENT, content)  # the last: what broke off is exported again
    ended = "FINISHED" if row.status == "ok" else "FAILED"
    client.set_terminated(run, ended, start + int(1e3 * _at(seconds, len(seconds))))


def _metrics(row: CellSummary, cell: Cell, steps: int) -> Iterator[tuple[str, float, int]]:
    """Name, value and step: losses step by step, what was evaluated, windows by number, and the
    figures of the table at the last step."""
    for step, loss in enumerate(cell.losses()):
        yield "train_loss", loss, step
    for one in cell.evaluations:
        yield "validation_loss", one.loss, one.step
        for metric, score in one.quality.items():
            yield metric, score.value, one.step
    for number, took in enumerate(row.window_step_seconds):
        yield "window_step_seconds", took, number
    logged = {"validation_loss", *row.quality}
    for name, value in figures_of(row).items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and not math.isnan(value) and name not in logged:
            yield name, float(value), steps


def _tags(summary: Summary, row: CellSummary) -> dict[str, str]:
    found = {
        "run_id": summary.run_id, "preset": summary.preset, "fingerprint": summary.fingerprint,
        "backend": row.backend, "mode": row.mode, "status": row.status, "reason": row.reason,
        "cpu": summary.environment.get("cpu"), "threads": summary.environment.get("threads"),
        **{f"version.{library}": version for library, version in row.versions.items()},
    }  # fmt: skip
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings and lists as dotted names: model.layers.0.hidden."""
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(str(number), part) for number, part in enumerate(value)]
    else:
        yield name, value
        return
    for key, part in parts:
        yield from _flat(part, f"{name}.{key}" if name else key)


def _at(seconds: Sequence[float], step: int) -> float:
    return seconds[min(step, len(seconds) - 1)] if seconds else 0.0


def _parts(found: Sequence[_T], most: int) -> Iterator[list[_T]]:
    rest = iter(found)
    while part := list(islice(rest, most)):
        yield part


exporter = MLflowExporter()
