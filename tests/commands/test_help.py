"""What is shown to who asks: help, the start page, lists, and what can be done here."""

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import PRINTED, Compare, command, environment
from typer.main import get_command

from compare.cli import app
from compare.commands import options
from compare.commands.doctor import what_can_be_done
from compare.contracts.loading import load_task
from compare.planning.overrides import resolve
from compare.planning.survey import Seen
from compare.plugins import installed

COMMANDS = [None, *(one.name for one in app.registered_commands)]
EXAMPLES = [
    line.strip()
    for one in [app.registered_callback, *app.registered_commands]
    for line in ((one and one.callback and one.callback.__doc__) or "").splitlines()
    if line.strip().startswith("compare ")
]


PRINT_ALL = f"""{PRINTED}
for name in json.load(sys.stdin):
    sys.argv = ["compare", *([name] if name else []), "--help"]
    print(json.dumps(printed()))
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, str]:
    """The help of every command, as wide as 80 columns: of one process for all."""
    finished = subprocess.run(
        [*command()[:2], "-c", PRINT_ALL], input=json.dumps(COMMANDS),
        env={**environment(), "COLUMNS": "80"}, cwd=tmp_path_factory.mktemp("help"),
        capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    return dict(zip(COMMANDS, map(json.loads, finished.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_readable_at_80_columns(pages: dict[str | None, str], name: str | None) -> None:
    page = pages[name]
    assert max(map(len, page.splitlines())) <= 80
    assert "…" not in page  # nothing is cut
    assert "Examples:" in page
    assert re.search(rf"^ compare {name or '--task'}", page, re.MULTILINE)


def test_options_stand_in_groups_and_name_their_choices(pages: dict[str | None, str]) -> None:
    page = pages[None]
    groups = re.findall(r"╭─ ([\w ]+?) ─", page)
    assert groups == ["What", "How long", "Where", "How it is told", "And", "Commands"]
    for group, option in (("What", "--backend"), ("How long", "--budget"), ("Where", "--device")):
        _, _, after = page.partition(f"─ {group} ─")
        assert option in after.partition("╰")[0]
    told = " ".join(re.sub(r"[│╭╮╰╯─]", " ", page).split())
    for task in installed("task"):
        assert task in told
    assert "auto, cpu, mps, cuda or cuda:N" in told
    assert "<bool>" not in page  # a flag takes no value


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_the_help_is_understood(line: str) -> None:
    arguments = shlex.split(line.partition(">")[0])[1:]
    whole: Any = get_command(app)
    given = whole.make_context("compare", list(arguments))
    if rest := [*given._protected_args, *given.args]:
        name, one, rest = whole.resolve_command(given, rest)
        given = one.make_context(name, rest, parent=given)
    if task := given.params.get("task"):
        loaded = load_task(task)
        overrides = options.overrides(loaded, None, given.params.get("set_"), {})
        if given.params.get("data"):
            overrides.append({"task": {"data": given.params["data"]}})
        resolve(loaded, given.params.get("preset", "small"), overrides)
    if backends := given.params.get("backend"):
        for name in options.split_backends(backends):
            assert "/" in name or name.partition(":")[0] in installed("backend")


def test_the_command_alone_is_a_start_page(compare: Compare) -> None:
    finished = compare()
    assert (finished.returncode, finished.stderr) == (0, "")
    lines = finished.stdout.splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= 80
    for part in ("reference", "compare --task lm --preset tiny", "compare doctor", "docs/"):
        assert part in finished.stdout


def test_a_task_s_fields_are_explained(compare: Compare) -> None:
    finished = compare("list", "lm")
    assert finished.returncode == 0
    (line,) = (line for line in finished.stdout.splitlines() if ".architecture " in line)
    for part in ("elman", "elman, lstm, gru or gpt", "kind of the layers"):
        assert part in line
    found = json.loads(compare("list", "lm", "--preset", "gpt", "--json").stdout)
    assert found["presets"][:2] == ["small", "tiny"]
    fields = {f"{one['section']}.{one['name']}": one for one in found["fields"]}
    assert fields["model.architecture"]["value"] == "gpt"
    assert fields["model.architecture"]["choices"] == ["elman", "lstm", "gru", "gpt"]
    assert fields["train.batch"]["takes"] == "a whole number of 1 or more"
    assert fields["run.device"]["meaning"].startswith("what all compute on")


def test_the_parameters_of_the_layers_are_listed(compare: Compare) -> None:
    finished = compare("list", "layers")
    words = [line.split() for line in finished.stdout.splitlines()]
    assert ["rnn.0.kernel", "(inputs,", "4", "hidden)", "cell=lstm"] in words
    assert ["block.cross.key_value.kernel", "(memory,", "2", "width)", "memory"] in words
    rows = json.loads(compare("list", "layers", "--json").stdout)
    assert {"kind": "dense", "parameter": "dense.kernel", "shape": ["inputs", "outputs"],
            "where": ""} in rows  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "layer"], "unknown list 'layer': did you mean layers?"),
        (["list", "sentimnt"], "did you mean sentiment?"),
        (
            ["list", "lm", "--preset", "tinny"],
            "unknown preset 'tinny' in task lm: did you mean tiny",
        ),
    ],
)
def test_what_cannot_be_listed_is_told_in_a_line(
    compare: Compare, arguments: list[str], message: str
) -> None:
    finished = compare(*arguments)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert message in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_everything_there_is_is_a_document_too(compare: Compare) -> None:
    found = json.loads(compare("list", "--json").stdout)
    assert found["tasks"]["sentiment"]["metrics"] == ["accuracy", "f1", "auroc"]
    assert found["backends"]["reference"] == {"modes": ["numpy"], "oracle": True, "problem": ""}
    assert found["reports"]["terminal"] is None
    assert "tensorboard" in found["exports"]


CPU, GPU, MISSING = Seen(devices=["cpu"]), Seen(devices=["cuda:0", "cpu"]), Seen(problem="pip a")
ORACLE = Seen(devices=["cpu"], oracle=True)


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        ({"a:x": CPU, "b:y": GPU, "c:z": CPU}, "Here a, b and c can be raced on cpu, as by: "),
        ({"a:x": GPU, "b:y": GPU}, "Here a and b can be raced on cpu or cuda, as by: "),
        ({"a:x": CPU, "b": MISSING}, "trained and measured on cpu, and raced once another one is"),
        ({"a": MISSING, "o:n": ORACLE}, "Nothing can be raced here yet: a: pip a."),
        ({}, "Nothing can be raced here yet: no backend is there."),
    ],
)  # fmt: skip
def test_the_doctor_says_what_can_be_done(seen: dict[str, Seen], sentence: str) -> None:
    assert sentence in what_can_be_done(seen)


@pytest.mark.parametrize(
    ("variables", "styled"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "TERM": "dumb"}, False)],
)
def test_a_table_in_a_file_has_whole_rows_whatever_is_forced(
    tmp_path: Path, variables: dict[str, str], styled: bool
) -> None:
    finished = subprocess.run(
        command("list", "sentiment"), cwd=tmp_path,
        env={**environment(), "COLUMNS": "40", "TERM": "xterm", **variables},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    longest = "else the mean over classes"
    assert any(".positive" in line and longest in line for line in finished.stdout.splitlines())
    assert set(re.findall(r"\x1b\[[\d;]*(.)", finished.stdout)) == ({"m"} if styled else set())


@pytest.mark.parametrize("width", [60, 100])
def test_a_table_on_a_terminal_is_as_wide_as_that_is(tmp_path: Path, width: int) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("list", "sentiment"), cwd=tmp_path, stdout=theirs,
        env={**environment(), "COLUMNS": str(width), "NO_COLOR": "1", "TERM": "dumb"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # its other end is closed
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    assert process.wait(100) == 0
    lines = shown.decode().splitlines()
    assert max(len(line) for line in lines if line.startswith("  ")) == width
    assert "\x1b" not in shown.decode()
