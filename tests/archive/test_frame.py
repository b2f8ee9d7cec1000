"""Results as other programs read them: pandas, DuckDB, JSON Schema."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import jsonschema
import pandas as pd
import pytest
from conftest import ROOT, STORED, command, environment

from compare.archive import json_schemas
from compare.archive.frame import load
from compare.archive.stored import read_summary
from compare.errors import UserError
from compare.records.record_types import Window
from compare.records.run_folder import RunFolder

pytestmark = pytest.mark.xdist_group("frame")  # what is shared is made once

SWEPT = ("--sweep", "train.batch=4,8", "--sweep", "optimizer.clip_norm=1.0")
RUN = ("--task", "lm", "--preset", "tiny", "--steps", "12", "--backend", "reference")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a sweep of two points."""
    where = tmp_path_factory.mktemp("runs")
    subprocess.run(
        command(*RUN, *SWEPT),
        cwd=where, env=environment(), capture_output=True, check=True, timeout=100,
    )  # fmt: skip
    return where / "results"


@pytest.fixture(scope="module")
def sweep(results: Path) -> Path:
    (found,) = results.iterdir()
    return found


@pytest.fixture(scope="module")
def run(sweep: Path) -> Path:
    return sweep / "batch=4,clip_norm=1.0"


def test_every_cell_is_a_row_with_its_figures_settings_and_machine(
    results: Path, sweep: Path, run: Path
) -> None:
    frame = load(results)
    assert frame["run_id"].tolist() == [
        f"{sweep.name}/batch=4,clip_norm=1.0", f"{sweep.name}/batch=8,clip_norm=1.0",
    ]  # fmt: skip
    assert frame["train.batch"].tolist() == frame["batch"].tolist() == [4, 8]
    assert frame["optimizer.clip_norm"].tolist() == [1.0, 1.0]
    assert str(frame["started"].dt.tz) == "UTC"
    first, (cell,) = frame.iloc[0], read_summary(RunFolder(run))[0].cells
    assert (first["backend"], first["mode"], first["status"]) == ("reference", "numpy", "ok")
    assert first["final_training_loss"] == cell.losses[-1]
    assert cell.tokens_per_second is not None
    assert first["tokens_per_second"] == cell.tokens_per_second.value
    assert (first["architecture"], first["layers"], first["hidden"]) == ("elman", 2, 16)
    assert first["steps"] == 12
    assert first["cpus"] > 0
    assert first["versions"].startswith("numpy=")


def test_columns_are_of_one_type_and_each_is_documented(results: Path) -> None:
    frame = load(results)
    assert [name for name in frame if frame[name].dtype == object] == []
    assert frame["seconds_to_target"].dtype == frame["joules_per_step"].dtype == float
    documented = set(re.findall(r"`([\w.]+)`", (ROOT / "docs" / "results.md").read_text()))
    assert set(frame.columns) - documented - {"optimizer.clip_norm"} == set()


def test_a_run_alone_has_the_row_that_it_has_among_others(results: Path, run: Path) -> None:
    alone = load(run)
    assert len(alone) == 1
    pd.testing.assert_series_equal(alone.iloc[0], load(results).iloc[0])


def test_losses_of_every_step_and_windows_with_every_field(results: Path, run: Path) -> None:
    losses = load(run, "losses")
    assert list(losses) == ["run_id", "backend", "mode", "ranks", "step", "loss"]
    windows = [record for record in RunFolder(run).records() if isinstance(record, Window)]
    mine = [window for window in windows if window.cell.is_row]
    assert losses["step"].tolist() == list(range(12))
    assert losses["loss"].tolist() == [loss for window in mine for loss in window.losses]
    frame = load(run, what="windows")
    assert len(frame) == len(windows)
    assert frame["seconds"].tolist() == [window.seconds for window in windows]
    assert frame["echo"].sum() == len(windows) - len(mine)
    assert set(Window.model_fields) - {"kind", "cell"} <= set(frame)
    assert len(load(results, what="windows")["run_id"].unique()) == 2


def test_a_loss_that_is_not_finite_is_nan(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "run")
    lines = (copy / "records.jsonl").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if '"role":"first"' in line)
    window = json.loads(lines[at])
    lines[at] = json.dumps(window | {"losses": ["NaN"]})
    (copy / "records.jsonl").write_text("\n".join(lines) + "\n")
    assert load(copy, "losses")["loss"].isna().tolist() == [True, *[False] * 11]
    validator = jsonschema.Draft202012Validator(json_schemas.schemas()["records-5.json"])
    assert validator.is_valid(json.loads(lines[at]))
    assert not validator.is_valid(window | {"losses": ["nothing"]})
    assert not validator.is_valid(window | {"weather": "fair"})


def test_what_cannot_be_read_is_a_warning_and_the_others_are_there(
    sweep: Path, tmp_path: Path
) -> None:
    shutil.copytree(sweep, tmp_path / "sweep")
    with (tmp_path / "sweep" / "batch=4,clip_norm=1.0" / "records.jsonl").open("a") as file:
        file.write("{")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "records.jsonl").write_text('{"loss": 1}\n')
    with pytest.warns(UserWarning, match="foreign|cut short") as warned:
        frame = load(tmp_path)
    assert len(frame) == 2
    foreign, cut = sorted((str(one.message) for one in warned), key=lambda text: "batch" in text)
    assert "foreign' is no run folder" in foreign
    assert cut.endswith("batch=4,clip_norm=1.0': the last line of records.jsonl was cut short")
    (tmp_path / "sweep" / "sweep.json").write_text("{")
    with pytest.warns(UserWarning, match="the values of its points are not known|cut short"):
        assert len(load(tmp_path / "sweep")) == 2


def test_a_folder_without_runs_is_an_empty_table_and_a_missing_one_an_error(
    tmp_path: Path,
) -> None:
    frame = load(tmp_path)
    assert len(frame) == 0
    assert "tokens_per_second" not in frame
    assert {"run_id", "backend", "status"} <= set(frame)
    with pytest.raises(UserError, match="is no folder of runs"):
        load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="did you mean losses"):
        load(tmp_path, "lossess")  # type: ignore[arg-type]


def test_load_is_there_in_one_call_and_pandas_not_before(run: Path) -> None:
    code = (
        "import sys, compare; assert 'pandas' not in sys.modules;"
        "print(len(compare.load(sys.argv[1])), len(compare.load(sys.argv[1], what='losses')))"
    )
    finished = subprocess.run(
        [sys.executable, "-P", "-c", code, str(run)],
        cwd=run, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert finished.stdout == "1 12\n"


def test_the_queries_of_the_page_find_every_cell_s_rate(
    results: Path, sweep: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "results.md").read_text()
    of_records, of_tables = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(results.parent)
    frame = load("results")
    with (run / "records.jsonl").open("a") as file:
        file.write('{"kind":"win')  # as a crash leaves it
    try:
        found = duckdb.sql(of_records).df()
    finally:
        RunFolder(run).mend()
    assert found["backend"].tolist() == ["reference", "reference"]
    assert found["tokens_per_second"].tolist() == pytest.approx(frame["tokens_per_second"].tolist())
    assert found["filename"][0] == f"results/{sweep.name}/{run.name}/records.jsonl"
    rows = duckdb.sql(of_tables).df()
    assert rows["tokens_per_second"].tolist() == frame["tokens_per_second"].tolist()


def test_the_query_reads_records_of_several_tasks_and_versions() -> None:
    query = f"""
        SELECT cell.backend, exp(avg(ln(tokens / seconds))) AS rate
        FROM read_json('{STORED}/*/records.jsonl', filename = true, ignore_errors = true)
        WHERE kind = 'window' AND role IN ('steady', 'beyond') AND NOT cell.echo
          AND filename LIKE '%sentiment-reviews%' GROUP BY ALL ORDER BY ALL
    """
    found, frame = duckdb.sql(query).df(), load(STORED / "sentiment-reviews")
    assert found["backend"].tolist() == frame["backend"].tolist()
    assert found["rate"].tolist() == pytest.approx(frame["tokens_per_second"].tolist())


def test_the_published_schemas_are_those_of_the_code() -> None:
    folder = ROOT / "docs" / "schema"
    found = {path.name: path.read_text("utf-8") for path in folder.iterdir()}
    assert found == {
        name: json_schemas.json_text(one) for name, one in json_schemas.schemas().items()
    }
    for text in found.values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_what_a_run_wrote_is_of_the_published_schemas(run: Path) -> None:
    published = json_schemas.schemas()
    of_records = jsonschema.Draft202012Validator(published["records-5.json"])
    lines = (run / "records.jsonl").read_text().splitlines()
    kinds = {"header", "opened", "built", "window", "evaluated", "ended"}
    assert kinds <= {json.loads(line)["kind"] for line in lines}
    for line in lines:
        of_records.validate(json.loads(line))
    stored = json.loads((run / "summary.json").read_text())["summary"]
    jsonschema.validate(stored, published["summary.json"])
