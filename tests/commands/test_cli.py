"""What a user sees who types something wrong, or asks what there is."""

import re
from pathlib import Path

import pytest
from conftest import SHARED_DATA, Compare, document, needs

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "flax", "optax")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "ml"], "unknown task 'ml': did you mean lm?"),
        (["--task", "lm", "--backend", "trch"], "unknown backend 'trch': did you mean torch?"),
        (
            ["--task", "lm", "--backend", "torch:egaer"],
            "unknown mode 'egaer' in backend torch: did you mean eager?",
        ),
        (
            ["--task", "lm", "--preset", "smal"],
            "unknown preset 'smal' in task lm: did you mean small?",
        ),
        (
            ["--task", "lm", "--set", "model.hiden=3"],
            "unknown field 'hiden' in section model: did you mean hidden?",
        ),
        (["--tsk", "lm"], "No such option: --tsk (Possible options: --out, --set, --task)"),
        (["lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["--steps", "3"], "--task is missing: there is lm"),
        (["--task", "lm", "--steps", "no"], "--steps takes a whole number, not"),
        (["--task", "lm", "--device", "tpu"], "run.device"),
        (["--task", "lm", "--backend", "no/such.py"], "adapter file 'no/such.py' does not exist"),
        (["--task", "lm", "--backend", "reference,reference"], "reference:numpy twice"),
        (
            ["--task", "lm", "--python", "jax"],
            "takes NAME=PYTHON, PATH=PYTHON or NAME@TAG=PYTHON, not 'jax'",
        ),
        (["--task", "lm", "--python", "jax=/no/python"], "'/no/python' does not exist"),
        (
            ["--task", "lm", "--backend", "torch", "--python", "jax=/bin/sh"],
            "unknown backend 'jax' in --python",
        ),
        (["--task", "lm", "--config", "no.toml"], "config file 'no.toml' does not exist"),
        (["--task", "lm", "--data", "no.txt"], "data file 'no.txt' does not exist"),
        (["--task", "lm", "--out", "/proc/none"], "cannot write to '/proc/none'"),
        (["--task", "lm", "--columns", "stp"], "unknown column 'stp' in --columns: did you mean"),
        (
            ["--task", "lm", "--baseline", "torch"],
            "unknown row 'torch' in --baseline: there is reference:numpy",
        ),
        (
            ["--task", "lm", "--baseline", "torch", "--sweep", "train.batch=2,4"],
            "--baseline is a row of a run",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    compare: Compare, tmp_path: Path, arguments: list[str], message: str
) -> None:
    if "--backend" not in arguments and "--python" not in arguments:
        arguments = [*arguments, *(["--backend", "reference"] if "--task" in arguments else [])]
    finished = compare(*arguments)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a few words only", "too short for one batch: 4 rows of 8 tokens need 36"),
        (b"good line\nbad \xff line\n", "line 2: not UTF-8"),
        (b"good line\nbad \0 line\n", "line 2: a NUL byte"),
        (None, "is a folder"),
    ],
)
def test_bad_data_files_are_named(
    compare: Compare, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "text.txt"
    file.mkdir() if content is None else file.write_bytes(content)
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "reference", "--data", "text.txt"
    )  # fmt: skip
    assert finished.returncode == 2
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def broken(:\n", "SyntaxError: invalid syntax ("),
        ("x = 1\nraise ValueError('no')\n", "broken.py:2"),
        ("x = 1\n", "defines no module-level name 'backend'"),
        ("import os\nos._exit(4)\n", "ended with exit code 4"),
    ],
)
def test_an_adapter_file_that_does_not_load_is_named(
    compare: Compare, tmp_path: Path, code: str, message: str
) -> None:
    (tmp_path / "broken.py").write_text(code)
    finished = compare("--task", "lm", "--backend", "broken.py")
    assert finished.returncode == 2
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_list_shows_what_there_is(compare: Compare) -> None:
    finished = compare("list")
    assert finished.returncode == 0
    for text in ("lm: presets small, tiny", "torch: eager, compile", "markdown: report.md"):
        assert text in finished.stdout


@needs(*FRAMEWORKS)
@pytest.mark.slow
def test_doctor_shows_versions_and_devices_of_every_mode(compare: Compare) -> None:
    finished = compare("doctor")
    assert finished.returncode == 0
    for text in ("torch:compile", "keras:jax", "tensorflow:xla", "reference:numpy", "cpu"):
        assert text in finished.stdout


@pytest.mark.slow
def test_real_text_trains_by_words_and_by_characters(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be, that is the question\n" * 60)
    for unit, vocab in (("words", 11), ("chars", 16)):
        found = document(
            compare(
                "--task", "lm", "--preset", "tiny", "--backend", "reference",
                "--data", "text.txt", "--set", f"task.tokens={unit}", "--json",
            )
        )  # fmt: skip
        assert found["experiment"]["data"]["vocab"] == vocab
        assert found["floor"] is None
        assert found["cells"][0]["losses"][-1] < found["cells"][0]["losses"][0]


def test_the_language_reference_of_python_is_data_too(compare: Compare) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "reference", "--data", "pydoc", "--json"
    )
    assert document(finished)["experiment"]["data"]["train_tokens"] > 50_000


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="no folder with real text beside the clone")
def test_a_real_play_can_be_read(compare: Compare) -> None:
    finished = compare(
        "--task", "lm", "--preset", "tiny", "--backend", "reference",
        "--data", str(SHARED_DATA / "shakespeare.txt"), "--json",
    )  # fmt: skip
    assert document(finished)["cells"][0]["status"] == "ok"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x =\n", "cannot be loaded: SyntaxError: invalid syntax ("),
        ("import not_there\n", "cannot be loaded: ModuleNotFoundError"),
        ("", "defines no module-level name 'task'"),
        ("task = 3\n", "its task has no 'name'"),
    ],
)
def test_a_task_file_that_does_not_load_is_named(
    compare: Compare, tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    finished = compare("--task", "mine.py")
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert told in line


def test_the_version_is_one_that_a_run_can_be_held_against(compare: Compare) -> None:
    finished = compare("--version")
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", finished.stdout)
