"""`compare explain` on a run with kept weights: what is printed, kept, loaded and refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Compare, command, document, environment, needs

import compare as suite

pytestmark = [pytest.mark.xdist_group("explain"), pytest.mark.slow]
RUN = ("--preset", "tiny", "--save-weights", "--quiet", "--threads", "1",
       "--set", "train.validation_batches=2")  # fmt: skip
LEARNT, BEGUN = ("--steps", "200"), ("--steps", "20")


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two backends, one of another seed, and one on shuffled labels."""
    folder = tmp_path_factory.mktemp("explain")
    shuffled = ("--seed", "1", "--set", "task.shuffled=true")
    for name, backends, settings in (
        ("first", "torch,reference", ("--seed", "1")),
        ("second", "torch", ("--seed", "2")),
        ("shuffled", "torch", shuffled),
    ):
        line = command("--task", "sentiment", *RUN, *LEARNT, *settings, "--backend", backends,
                       "--out", name)  # fmt: skip
        subprocess.run(line, cwd=folder, env=environment(), check=True, capture_output=True)
    return folder


def run_of(kept: Path, name: str) -> str:
    (folder,) = (kept / name).iterdir()
    return str(folder)


def test_norms_are_known_where_the_run_looked_for_its_target(
    compare: Compare, tmp_path: Path
) -> None:
    looking = ("--target", "loss=0.1", "--set", "run.target_every=10", "--rounds", "2")
    played = compare("--task", "sentiment", *RUN, "--steps", "30", "--backend", "reference",
                     *looking)  # fmt: skip
    assert played.returncode == 0, played.stderr
    (run,) = (tmp_path / "results").iterdir()
    finished = compare("explain", str(run), "--examples", "3", "--method", "gradient", "--json")
    found = [one for one in document(finished)["inside"] if one["what"] == "weights"]
    (steps,) = {tuple(one["steps"]) for one in found}
    assert (steps[0], steps[-1], len(steps)) == (0, 30, 4)  # looks are between windows
    (weights,) = (run / "weights").glob("reference-numpy.npz")
    with np.load(weights) as kept:
        for one in found:
            assert one["norms"][-1] == pytest.approx(float(np.linalg.norm(kept[one["name"]])))
            assert len(set(one["norms"])) == 4
    looks = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    assert sum("weight_norms" in one for one in looks) == 2


@needs("torch")
def test_frameworks_explain_alike_and_seeds_do_not(compare: Compare, kept: Path) -> None:
    run, other, shuffled = (run_of(kept, name) for name in ("first", "second", "shuffled"))
    finished = compare("explain", run, "--examples", "20", "--seeds", other, "--shuffled", shuffled,
                       "--json")  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    found = document(finished)
    ofs = list(found["models"].values())
    assert ofs.count("backend") == 2
    assert ofs.count("echo") == ofs.count("seed") == ofs.count("shuffled") == 1
    assert ofs.count("initial") == 1
    pairs = {
        (found["models"][a["first"]], found["models"][a["second"]]): a["rank"]["value"]
        for a in found["agreements"]
        if a["method"] == "integrated"
    }
    assert pairs["backend", "backend"] > 0.99
    assert pairs["backend", "echo"] > 0.99
    assert pairs["backend", "seed"] < pairs["backend", "backend"]
    assert found["largest_gap"]["integrated"] < 1e-4
    assert found["largest_gap"]["shapley"] < 1e-6
    right = {
        found["models"][one["model"]]: one
        for one in found["rightness"]
        if one["method"] == "integrated"
    }
    for of in ("initial", "shuffled"):
        assert (
            right[of]["precision"]["low"] <= right[of]["chance"] <= right[of]["precision"]["high"]
        )
    printed = compare("explain", run, "--examples", "3", "--method", "occlusion", "--quiet")
    assert "backends order a text's words with a rank correlation of" in printed.stdout
    assert Path(run, "explain.html").exists()
    frame = suite.load(run, what="explanations")
    assert set(frame["method"]) == {"occlusion"}
    one = frame[frame["example"] == 0]
    assert one.groupby("model")["token"].count().nunique() == 1
    lines = (Path(run) / "explanations.jsonl").read_text().splitlines()
    assert len(lines) == 3 * 4  # two backends, an echo, the initial weights
    assert json.loads(lines[0])["tokens"]


def test_a_run_waits_for_no_module_of_explanations() -> None:
    known = "import sys, compare.cli; print([m for m in sys.modules if m.startswith('compare.ex')])"
    done = subprocess.run([sys.executable, "-P", "-c", known], capture_output=True, check=True)
    assert done.stdout.split() == [b"['compare.extras']"]


@needs("torch")
def test_a_run_is_as_it_was_without_being_asked(compare: Compare, kept: Path) -> None:
    names = {path.name for path in Path(run_of(kept, "second")).iterdir()}
    assert not {"explain.html", "explanations.jsonl", "explanations.json"} & names


@needs("torch")
def test_one_text_of_its_own(compare: Compare, kept: Path) -> None:
    run = run_of(kept, "first")
    finished = compare(
        "explain", run, "--backend", "reference", "--prompt", "i hated this film", "--json",
        "--method", "shapley,occlusion",
    )  # fmt: skip
    found = document(finished)
    tokens = {tuple(one["tokens"]) for one in found["explanations"]}
    assert tokens == {("i", "hated", "this", "film")}
    assert found["methods"] == ["shapley", "occlusion"]


@needs("torch")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--method", "intgrated"), "unknown method 'intgrated'"),
        (("--method", "rollout"), "--method rollout follows attention"),
        (("--example", "999999"), "--example 999999 is not there"),
        (("--backend", "jax"), "unknown backend 'jax'"),
        (("--prompt", "x", "--example", "1"), "leave --example out"),
        (("--seeds", "."), "is no run folder"),
        (("--seeds", "{run}"), "has the same seed, 1: take another"),
        (
            ("--shuffled", "{run}"),
            "was trained on the labels as they are: train one more with --set task.shuffled=true",
        ),
    ],
)
def test_what_cannot_be_explained_is_told(
    compare: Compare, kept: Path, arguments: tuple[str, ...], told: str
) -> None:
    run = run_of(kept, "first")
    finished = compare("explain", run, "--quiet", *(part.format(run=run) for part in arguments))
    assert (finished.returncode, finished.stdout) == (2, "")
    assert told in finished.stderr
    assert finished.stderr.count("\n") == 1


def test_a_run_without_weights_says_how_to_make_them(compare: Compare, tmp_path: Path) -> None:
    made = compare("--task", "sentiment", "--preset", "tiny", "--backend", "reference", "--json")
    finished = compare("explain", f"results/{document(made)['run_id']}")
    assert finished.returncode == 2
    assert "has no weights: run with --save-weights" in finished.stderr


@needs("torch", "jax")
@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("lm", ["--set", "model.architecture=gpt", "--set", "model.tied=true"]),
        ("translation", []),
        ("summarization", ["--set", "model.architecture=gru"]),
        ("sentiment", ["--set", "model.architecture=transformer"]),
    ],
)
def test_every_task_is_explained(compare: Compare, task: str, settings: list[str]) -> None:
    made = compare("--task", task, *RUN, *BEGUN, *settings, "--backend", "torch,jax", "--json")
    run = f"results/{document(made)['run_id']}"
    quick = ("--example", "1", "--method", "integrated,occlusion")
    found = document(compare("explain", run, *quick, "--json"))
    assert found["notes"] == []
    assert {one["method"] for one in found["explanations"]} == {"integrated", "occlusion"}
    between = [a for a in found["agreements"] if found["models"][a["second"]] == "backend"]
    assert all(a["rank"]["value"] > 0.9 for a in between if a["method"] == "integrated")
    assert found["largest_gap"]["integrated"] < 1e-3


@needs("torch", "jax")
@pytest.mark.parametrize(
    ("task", "settings", "backends"),
    [
        ("sentiment", ["--set", "model.architecture=transformer"], "torch,jax"),
        ("translation", [], "torch:eager,jax"),
        ("lm", ["--set", "model.architecture=gpt", "--set", "model.tied=true"], "torch:eager,jax"),
    ],
)
def test_the_same_weights_explain_the_same_in_float64(
    compare: Compare, task: str, settings: list[str], backends: str
) -> None:
    finished = compare(
        "audit", "--task", task, *settings, "--explain", "--steps", "2", "--json",
        "--set", "train.validation_batches=1", "--backend", backends,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout + finished.stderr
    for row in json.loads(finished.stdout):
        check = row["checks"]["explanations"]
        assert check["passed"]
        assert check["worst"] <= 1e-12


@needs("torch")
def test_words_that_people_marked_are_held_against_what_models_say(
    compare: Compare, tmp_path: Path
) -> None:
    rows = ["text,label,why"]
    for i in range(200):
        good = i % 2
        word = ("dreadful", "lovely")[good]
        why = word if i % 3 else " ".join("01"[w == word] for w in f"it was {word} no {i}".split())
        rows.append(f"it was {word} no {i},{('bad', 'fine')[good]},{why}")
    (tmp_path / "films.csv").write_text("\n".join(rows))
    made = compare(
        "--task", "sentiment", *RUN, *LEARNT, "--data", "films.csv", "--set", "task.source=text",
        "--set", "task.target=label", "--set", "task.rationale=why", "--backend", "torch", "--json",
    )  # fmt: skip
    run = f"results/{document(made)['run_id']}"
    found = document(compare("explain", run, "--method", "occlusion", "--json"))
    assert found["known"] == "marked"
    (right,) = (one for one in found["rightness"] if one["model"] == "torch:eager")
    assert right["chance"] == pytest.approx(0.2)
    assert right["precision"]["value"] > 0.9


DYING = """
import os
from compare.contracts.loading import load_backend

class Trainer:
    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def gradients(self, batch):
        os._exit(3)

class Dying:
    name, modes, oracle = "dying", ("at_once",), False

    def __init__(self):
        self.inner = load_backend("reference")

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def build(self, experiment, device):
        return Trainer(self.inner.build(experiment, device))

backend = Dying()
"""


def test_one_that_dies_leaves_the_others_and_an_exit_code(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(DYING)
    made = compare("--task", "sentiment", *RUN, *BEGUN, "--backend", "dying.py,reference",
                   "--json")  # fmt: skip
    run = f"results/{document(made)['run_id']}"
    finished = compare(
        "explain", run, "--examples", "12", "--method", "occlusion,gradient", "--json"
    )
    assert finished.returncode == 1
    found = document(finished)
    (note,) = found["notes"]
    assert note.startswith("dying:at_once cannot be explained: worker ended with exit code 3")
    assert found["failed"] == ["dying:at_once"]
    assert "reference:numpy" in found["models"]
    assert {one["backend"] for one in found["explanations"]} == {"reference"}
    alone = compare("explain", run, "--backend", "dying", "--method", "gradient", "--quiet")
    assert (alone.returncode, alone.stdout) == (2, "")
    assert alone.stderr.count("\n") == 1


def test_data_that_is_not_what_it_was_is_refused(compare: Compare, tmp_path: Path) -> None:
    rows = [f"it was {('poor', 'fine')[i % 2]} {i},{('bad', 'good')[i % 2]}" for i in range(90)]
    path = tmp_path / "films.csv"
    path.write_text("\n".join(["text,label", *rows]))
    made = compare(
        "--task", "sentiment", *RUN, *BEGUN, "--data", "films.csv", "--set", "task.source=text",
        "--set", "task.target=label", "--backend", "reference", "--json",
    )  # fmt: skip
    run = f"results/{document(made)['run_id']}"
    path.write_text("\n".join(["text,label", *rows[:-9]]))
    finished = compare("explain", run, "--quiet")
    assert finished.returncode == 2
    assert "cannot be asked any more: its experiment is not what it was" in finished.stderr
    assert finished.stderr.count("\n") == 1
