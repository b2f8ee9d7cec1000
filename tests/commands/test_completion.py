"""What a TAB offers, asked as bash asks: with words that it has taken apart at = and :."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PRINTED, environment

CASES = [
    (["che"], ["check-backend"]),
    (["--task", "tr"], ["translation"]),
    (["--task", "lm", "--preset", "g"], ["gru", "gpt"]),
    (["--task", "lm", "--set", "model.hid"], ["model.hidden=", "model.hidden=200"]),
    (["--set", "train.s"], ["train.sequence_length=", "train.steps=", "train.seed="]),
    (["--task", "lm", "--set", "model.architecture", "=", "l"], ["lstm"]),
    (["--task", "lm", "--set", "model.tied", "="], ["true", "false"]),
    (["--set", "nothing.of.the.kind"], []),
    (["--backend", "ref"], ["reference"]),
    (["--backend", "torch,ref"], ["torch,reference"]),
    (["--backend", "reference", ":", ""], ["numpy"]),
    (["--backend", "=", "ref"], ["reference"]),
    (["--task", "sentiment", "--target", "a"], ["accuracy=", "auroc="]),
    (["--task", "no-such-task", "--preset", ""], []),
    (["--device", "cu"], ["cuda"]),
    (["audit", "--task", "lm", "--set", "optimizer.nes"],
     ["optimizer.nesterov=", "optimizer.nesterov=true", "optimizer.nesterov=false"]),
    (["report", ""], ["results/20260101-lm-tiny", "results/20260102-lm-tiny"]),
    (["diff", "results/20260101-lm-tiny", "results/20260102"], ["results/20260102-lm-tiny"]),
    (["report", "x", "--format", "mark"], ["markdown"]),
    (["export", "x", "--to", "tens"], ["tensorboard"]),
    (["list", "la"], ["layers"]),
    (["--config", "results/"], []),  # the shell's own turn
]  # fmt: skip
ANSWER_ALL = f"""{PRINTED}
for words in json.load(sys.stdin):
    sys.argv = ["compare"]
    os.environ |= {{"COMP_WORDS": "\\n".join(["compare", *words]), "COMP_CWORD": str(len(words))}}
    print(json.dumps(printed().split()))
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two commands in `bin`, and the folders of two runs in `results`."""
    where = tmp_path_factory.mktemp("shell")
    (where / "bin").mkdir()
    for name in ("compare", "framework-compare"):
        script = where / "bin" / name
        script.write_text(f"#!{sys.executable} -P\nfrom compare.cli import main\nmain()\n")
        script.chmod(0o755)
    for run in ("20260101-lm-tiny", "20260102-lm-tiny"):
        (where / "results" / run).mkdir(parents=True)
        (where / "results" / run / "records.jsonl").touch()
    (where / "results" / "no-run").mkdir()
    return where


@pytest.fixture(scope="module")
def answers(shell: Path) -> list[list[str]]:
    """What is offered in each of the cases, of one process for all: a start takes a second."""
    finished = subprocess.run(
        [sys.executable, "-P", "-c", ANSWER_ALL],
        input=json.dumps([words for words, _ in CASES]),
        cwd=shell, env={**environment(), "_COMPARE_COMPLETE": "complete_bash"},
        capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    assert finished.stderr == ""
    return [json.loads(line) for line in finished.stdout.splitlines()]


def in_bash(where: Path, script: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    path = f"{where / 'bin'}:{environment()['PATH']}"
    return subprocess.run(
        ["bash", "--norc", "-c", script], cwd=where,
        env={**environment(), "PATH": path, **variables},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)), ids=[" ".join(words) for words, _ in CASES])
def test_a_tab_offers(answers: list[list[str]], number: int) -> None:
    assert sorted(answers[number]) == sorted(CASES[number][1])


def test_bash_is_taught_under_both_names(shell: Path) -> None:
    words = ["framework-compare", "--set", "model.architecture", "=", "ls"]
    finished = in_bash(
        shell,
        "source <(_FRAMEWORK_COMPARE_COMPLETE=source_bash framework-compare);"
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD=4;"
        '_framework_compare_completion framework-compare; echo "${COMPREPLY[@]}"',
    )
    assert (finished.stdout.strip(), finished.stderr) == ("lstm", "")


def test_it_can_be_installed(shell: Path, tmp_path: Path) -> None:
    """Into the home folder of a shell, which is told to read it."""
    finished = in_bash(shell, "compare --install-completion; true", HOME=str(tmp_path))
    assert "completion installed in" in finished.stdout, finished.stderr
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "_COMPARE_COMPLETE=complete_bash" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
