"""`compare explain` on a run with kept weights: what is printed, kept, loaded and refused."""

import json
from pathlib import Path

import pytest
from conftest import Compare, command, document, environment, needs

import compare as suite

pytestmark = [pytest.mark.xdist_group("explain"), pytest.mark.slow]
RUN = ("--preset", "tiny", "--save-weights", "--quiet", "--steps", "200")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two backends, and one of another seed."""
    import subprocess

    folder = tmp_path_factory.mktemp("explain")
    for name, seed in (("first", "1"), ("second", "2")):
        line = command(
            "--task", "sentiment", *RUN, "--backend", "torch,reference", "--seed", seed,
            "--out", name,
        )  # fmt: skip
        subprocess.run(line, cwd=folder, env=environment(), check=True, capture_output=True)
    return folder


def run_of(kept: Path, name: str) -> str:
    (folder,) = (kept / name).iterdir()
    return str(folder)


@needs("torch")
def test_frameworks_explain_alike_and_seeds_do_not(compare: Compare, kept: Path) -> None:
    run, other = run_of(kept, "first"), run_of(kept, "second")
    finished = compare("explain", run, "--examples", "30", "--seeds", other, "--json")
    assert finished.returncode == 0, finished.stderr
    found = document(finished)
    ofs = list(found["models"].values())
    assert ofs.count("backend") == ofs.count("seed") == 2
    assert ofs.count("echo") == ofs.count("initial") == 1
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
    printed = compare("explain", run, "--examples", "5", "--quiet")
    assert "Two frameworks order a text's words with a rank correlation of" in printed.stdout
    assert Path(run, "explain.html").exists()
    frame = suite.load(run, what="explanations")
    assert set(frame["method"]) == set(found["methods"])
    one = frame[(frame["example"] == 0) & (frame["method"] == "occlusion")]
    assert one.groupby("model")["token"].count().nunique() == 1
    lines = (Path(run) / "explanations.jsonl").read_text().splitlines()
    assert len(lines) == 5 * len(found["methods"]) * 4  # two backends, an echo, the initial weights
    assert json.loads(lines[0])["tokens"]


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
    ],
)
def test_a_language_model_is_explained(compare: Compare, task: str, settings: list[str]) -> None:
    made = compare("--task", task, *RUN, *settings, "--backend", "torch,jax", "--json")
    run = f"results/{document(made)['run_id']}"
    found = document(compare("explain", run, "--examples", "4", "--json"))
    assert found["notes"] == []
    assert {one["method"] for one in found["explanations"]} == set(found["methods"])
    between = [a for a in found["agreements"] if found["models"][a["second"]] == "backend"]
    assert all(a["rank"]["value"] > 0.9 for a in between if a["method"] == "integrated")
    assert found["largest_gap"]["integrated"] < 1e-3
