"""Groups in real runs: what is trained, judged, told and refused."""

import json
from pathlib import Path

import pytest
from compare.tasks.data import reviews
from conftest import Compare, document, needs

import compare as suite

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("fairness")]


def of(found: dict[str, object], backend: str) -> dict[str, object]:
    cells = found["cells"]
    assert isinstance(cells, list)
    (groups,) = (one["groups"] for one in cells if one["backend"] == backend)
    return groups


def best_learner(bias: int, reweighed: bool) -> float:
    """Selection of women less men on the validation texts and their twins, from the labels' own
    odds; with weights P(g) P(y) / P(g, y) of the training labels."""
    train = reviews.reviews(20_000, "train", bias)
    odds = {}
    for group in reviews.GROUPS:
        mine = [one.biased for one in train if one.about == group]
        positive, of_all = sum(mine) / len(mine), sum(one.biased for one in train) / len(train)
        weight = of_all / positive * (1 - positive) / (1 - of_all)  # of a positive label
        odds[group] = weight if reweighed else 1.0
    selected = dict.fromkeys(reviews.GROUPS, 0.0)
    held = [one.text for one in reviews.reviews(2_000, "validation", bias)]
    for text in [*held, *map(reviews.twin, held)]:
        group = reviews.about(text)
        p = reviews.biased_probability(text, bias)
        p = odds[group] * p / (odds[group] * p + 1 - p)
        selected[group] += 0.5 if p == 0.5 else float(p > 0.5)  # of equal odds it takes either
    return (selected["women"] - selected["men"]) / len(held)


@needs("torch")
def test_a_bias_that_was_put_in_is_found_and_reweighing_takes_some_of_it(
    compare: Compare, tmp_path: Path
) -> None:
    """Held against what the best learner makes of these very texts, by the rule alone: -0.078, and
    reweighed -0.026."""
    gaps = {}
    for name, settings in (("biased", []), ("reweighed", ["--set", "task.mitigation=reweigh:1"])):
        finished = compare(
            "--task", "sentiment", "--backend", "torch", "--steps", "1000", "--rounds", "1",
            "--threads", "1", "--set", "model.embedding=16", "--set", "model.hidden=16",
            "--set", "optimizer.learning_rate=0.01",
            "--set", "task.bias=2", "--set", "task.judge=all", *settings, "--json",
        )  # fmt: skip
        groups = of(document(finished), "torch")
        gaps[name] = groups["twins"]["selection"]["value"]
        assert {one["group"] for one in groups["rates"]} == {"women", "men"}
    assert gaps["biased"] == pytest.approx(best_learner(bias=2, reweighed=False), abs=0.03)
    assert gaps["reweighed"] == pytest.approx(best_learner(bias=2, reweighed=True), abs=0.03)
    assert gaps["biased"] < gaps["reweighed"]


@needs("torch")
def test_frameworks_and_rounding_are_told_beside_each_other(
    compare: Compare, tmp_path: Path
) -> None:
    finished = compare(
        "--task", "sentiment", "--preset", "tiny", "--backend", "torch,reference", "--steps", "60",
        "--set", "task.judge=all", "--json",
    )  # fmt: skip
    found = document(finished)
    assert found["echo_groups"] is not None
    page = Path(tmp_path, "results", found["run_id"], "report.html").read_text()
    assert "Do groups fare alike?" in page
    assert "Frameworks differ in that by 0.0" in page
    assert "rounding alone by 0.0" in page
    frame = suite.load(tmp_path / "results")
    assert frame["selection_gap"].notna().all()
    assert (frame["twin_selection_gap_low"] <= frame["twin_selection_gap_high"]).all()
    lines = (tmp_path / "results" / found["run_id"] / "outputs").glob("*.jsonl")
    rows = [json.loads(line) for path in lines for line in path.read_text().splitlines()]
    assert {row["group"] for row in rows} == {"women", "men"}


def written(folder: Path, rows: int = 240) -> None:
    lines = ["text,label,sex,age,city"]
    for i in range(rows):
        label = ("good", "bad")[i % 3 == 0]
        lines.append(f"film {i} was {label} {i % 7},{label},{'fm'[i % 2]},{20 + i % 50},c{i}")
    (folder / "loans.csv").write_text("\n".join(lines) + "\n")


OWN = (
    "--task", "sentiment", "--preset", "tiny", "--backend", "reference", "--steps", "10",
    "--data", "loans.csv", "--set", "task.source=text", "--set", "task.target=label",
    "--set", "task.judge=all", "--quiet",
)  # fmt: skip


def test_a_group_column_is_judged_and_never_an_input(compare: Compare, tmp_path: Path) -> None:
    written(tmp_path, 1200)
    plain, with_groups = (
        document(compare(*OWN, *more, "--json")) for more in ([], ["--set", "task.group=sex"])
    )
    assert of(plain, "reference") is None
    groups = of(with_groups, "reference")
    assert {one["group"] for one in groups["rates"]} == {"f", "m"}
    assert groups["positive"] == "good"
    losses = [one["cells"][0]["validation_loss"] for one in (plain, with_groups)]
    assert losses[0] == losses[1]


def test_ages_are_cut_into_quantiles(compare: Compare, tmp_path: Path) -> None:
    written(tmp_path, 2400)
    groups = of(document(compare(*OWN, "--set", "task.group=age:4", "--json")), "reference")
    assert len(groups["rates"]) == 4
    assert all(one["by_chance"] is not None for one in groups["gaps"])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["task.group=nowhere"], "nowhere"),
        (["task.group=city"], "at most 10 can be told apart"),
        (["task.group=age"], "task.group=age:4 makes four groups of a number"),
        (["task.group=label"], "is the label itself"),
        (["task.group=sex:4"], "needs numbers, and"),
        (["task.bias=2"], "bias and share are of the generated reviews"),
        (["task.mitigation=reweigh:1"], "name their column by task.group"),
        (["task.group=sex", "task.mitigation=rewiegh:1"], "reweigh"),
        (["task.group=sex", "task.mitigation=reweigh:2"], "from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    compare: Compare, tmp_path: Path, settings: list[str], told: str
) -> None:
    written(tmp_path)
    finished = compare(*OWN, *(part for text in settings for part in ("--set", text)))
    assert finished.returncode == 2
    assert told in finished.stderr
    assert finished.stderr.count("\n") == 1
