"""Runs handed on to MLflow, TensorBoard and MLPerf, and read back by those themselves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from conftest import STORED, Compare, environment

from compare.archive.stored import summary_of
from compare.errors import UserError
from compare.findings.cells import Cell
from compare.plugins import installed
from compare.records.reading import FoundRecords, read
from compare.records.record_types import Evaluated, header_of
from compare.records.run_folder import RunFolder
from compare.reporting.loading import load_exporter

FOLDER = STORED / "translation-captions"


@pytest.fixture(scope="module")
def run() -> FoundRecords:
    return read(RunFolder(FOLDER))


def export(run: FoundRecords, to: str, target: Path | str) -> str:
    return load_exporter(to).export(summary_of(run), run.records, str(target))


def evaluations(run: FoundRecords, backend: str) -> list[Evaluated]:
    name = next(name for name in header_of(run.records).cells if name.backend == backend)
    return Cell(name, run.records).evaluations


@pytest.fixture
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorBoard reads by itself where this module of its own build exists."""
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", ModuleType("notf"))


@pytest.mark.usefixtures("without_tensorflow")
def test_tensorboard_reads_losses_windows_and_quality(run: FoundRecords, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # the second time, in place of the first
        folder = Path(export(run, "tensorboard", tmp_path))
    summary = summary_of(run)
    assert folder == tmp_path / summary.run_id
    assert sorted(path.name for path in folder.iterdir()) == [
        "jax-jit", "keras-tensorflow", "tensorflow-graph", "torch-eager",
    ]  # fmt: skip
    cell = next(cell for cell in summary.cells if cell.backend == "jax")
    events = EventAccumulator(str(folder / "jax-jit"))
    events.Reload()
    losses = events.Scalars("loss/train")
    assert [event.step for event in losses] == list(range(len(cell.losses)))
    assert [event.value for event in losses] == pytest.approx(cell.losses)
    times = [event.wall_time for event in losses]
    assert times == sorted(times)
    assert times[0] > header_of(run.records).started.timestamp()
    (last,) = evaluations(run, "jax")
    assert [event.value for event in events.Scalars("loss/validation")] == pytest.approx(
        [last.loss]
    )
    bleu = events.Scalars("quality/bleu")
    assert [(one.step, one.value) for one in bleu] == [
        (last.step, pytest.approx(last.quality["bleu"].value))
    ]
    windows = events.Scalars("window/step_seconds")
    assert [event.value for event in windows] == pytest.approx(cell.window_step_seconds)
    assert events.PluginTagToContent("hparams").keys() == {"_hparams_/session_start_info"}


def test_tensorboard_files_are_written_without_a_framework(
    run: FoundRecords, tmp_path: Path
) -> None:
    code = (
        "import sys; sys.argv[0] = 'compare'; import compare.cli\n"
        "try: compare.cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print([name for name in ('tensorflow', 'torch', 'jax') if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-P", "-c", code, "export", str(FOLDER), "--to", "tensorboard"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    told, frameworks = finished.stdout.splitlines()
    assert told == f"exported to {Path('tensorboard', header_of(run.records).run_id)}"
    assert frameworks == "[]"


@pytest.mark.parametrize("ruleset", ["1.0.0", "6.1.0"])
def test_mlperf_s_own_parser_accepts_every_line(
    run: FoundRecords, ruleset: str, tmp_path: Path
) -> None:
    from mlperf_logging.compliance_checker import mlp_parser

    folder = Path(export(run, "mlperf", tmp_path))
    summary = summary_of(run)
    for cell in summary.cells:
        path = folder / f"{cell.backend}-{cell.mode}.log"
        lines, errors = mlp_parser.parse_file(str(path), ruleset=ruleset)
        assert errors == []
        assert len(lines) == path.read_text().count(":::MLLOG")
        found = {line.key: line.value["value"] for line in lines}
        assert found["submission_benchmark"] == "translation"
        train = summary.experiment["train"]
        assert (found["global_batch_size"], found["seed"]) == (train["batch"], train["seed"])
        assert (found["opt_name"], found["opt_adam_beta_2"]) == ("adam", 0.999)
        accuracies = [line.value for line in lines if line.key == "eval_accuracy"]
        assert [one["metadata"]["metric"] for one in accuracies] == ["loss", "bleu", "chrf"]
        assert accuracies[0]["value"] == cell.validation_loss
        assert accuracies[0]["metadata"]["samples_count"] == train["steps"] * train["batch"]
        keys = [line.key for line in lines]
        order = ["init_start", "init_stop", "run_start", "block_start", "block_stop",
                 "eval_start", "eval_stop", "run_stop"]  # fmt: skip
        assert [key for key in keys if key in order] == order
        times = [line.timestamp for line in lines]
        assert times == sorted(times)
        ended = "success" if cell.status == "ok" else "aborted"
        assert lines[-1].value["metadata"]["status"] == ended


@pytest.mark.parametrize(
    "store",
    ["runs.db", pytest.param("mlruns", marks=pytest.mark.slow)],
)
def test_mlflow_has_a_run_per_cell_and_none_twice(
    run: FoundRecords, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        address = export(run, "mlflow", store)
    import mlflow

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("framework-compare/translation")
    found = client.search_runs([experiment.experiment_id])
    summary = summary_of(run)
    assert sorted(one.data.tags["backend"] for one in found) == [
        cell.backend for cell in summary.cells
    ]
    one = next(one for one in found if one.data.tags["backend"] == "jax")
    cell = next(cell for cell in summary.cells if cell.backend == "jax")
    assert one.info.status == "FINISHED"
    assert one.data.tags["run_id"] == summary.run_id
    assert one.data.tags["version.jax"] == cell.versions["jax"]
    assert one.data.params["optimizer.beta2"] == "0.999"
    assert one.data.params["model.encoder.0.kind"] == "embedding"
    history = client.get_metric_history(one.info.run_id, "train_loss")
    assert [metric.step for metric in history] == list(range(len(cell.losses)))
    assert [metric.value for metric in history] == cell.losses
    assert cell.tokens_per_second is not None
    assert one.data.metrics["tokens_per_second"] == cell.tokens_per_second.value
    assert one.data.metrics["bleu"] == cell.quality["bleu"].value
    assert not (tmp_path / "mlflow.db").exists()


def test_mlflow_takes_the_newer_export_of_a_run_that_was_gone_on_with(
    run: FoundRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    summary = summary_of(run)
    exporter, target = load_exporter("mlflow"), str(tmp_path / "runs.db")
    only = header_of(run.records).model_copy(update={"cells": header_of(run.records).cells[:1]})
    records = [only, *run.records[1:]]
    summary.cells = summary.cells[:1]
    exporter.export(summary, records, target)
    summary.cells[0].status = "interrupted"
    address = exporter.export(summary, records, target)
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("framework-compare/translation")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.data.tags["status"], found.info.status) == ("interrupted", "FAILED")


def test_a_sweep_exports_its_points_apart_and_tells_what_it_cannot_read(
    compare: Compare, tmp_path: Path
) -> None:
    points = [{"name": f"seed={n}", "values": {"train.seed": n}} for n in (1, 2, 3)]
    header = json.loads((FOLDER / "records.jsonl").read_text().splitlines()[0])
    request = {"task": "translation", "preset": "small", "overrides": [], "backends": [],
               "pythons": {}}  # fmt: skip
    manifest = {
        "run_id": "sweep", "started": header["started"], "command": [], "request": request,
        "axes": {"train.seed": [1, 2, 3]}, "points": points,
    }  # fmt: skip
    for point in points[:2]:
        folder = tmp_path / "sweep" / str(point["name"])
        folder.mkdir(parents=True)
        shutil.copy(FOLDER / "records.jsonl", folder)
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps(manifest))
    (tmp_path / "sweep" / "seed=2" / "records.jsonl").write_text("broken\n")
    finished = compare("export", "sweep", "--to", "mlperf", "--target", "logs")
    assert finished.returncode == 0, finished.stderr
    assert "seed=2' cannot be read" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    (folder,) = (tmp_path / "logs").iterdir()
    assert folder.name == f"sweep-{header['run_id']}"
    assert finished.stdout == f"exported to logs/{folder.name}\n"


@pytest.mark.parametrize("name", ["mlflow", "tensorboard", "mlperf"])
def test_without_its_library_an_export_names_the_extra(
    run: FoundRecords, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = {"mlperf": "mlperf_logging"}.get(name, name)
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(UserError) as error:
        export(run, name, tmp_path)
    assert str(error.value) == (
        f"{package} is not installed: pip install 'framework-compare[{name}]'"
    )


@pytest.mark.parametrize("name", ["mlflow", "tensorboard", "mlperf"])
def test_where_it_cannot_write_an_export_says_so_in_a_line(
    run: FoundRecords, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to") as error:
        export(run, name, tmp_path / "file" / "below")
    assert "\n" not in str(error.value)


def test_an_unknown_tool_is_named_with_those_that_there_are() -> None:
    assert {"mlflow", "mlperf", "tensorboard"} <= set(installed("export"))
    with pytest.raises(UserError, match="did you mean mlflow"):
        load_exporter("mlflw")
