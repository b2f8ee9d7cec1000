"""What is said of explanations: no more than their intervals allow."""

import pytest
from compare.report.explained import METHODS as IN_WORDS
from compare.report.explained import alike, complete, right, verdict
from conftest import ROOT

from compare.explain.asking import METHODS as COMPUTED
from compare.records.explanations import METHODS, Agreed, Explained
from compare.records.values import Estimate

MODELS = {"a:m": "backend", "b:m": "backend", "echo of a:m": "echo", "a:m, seed 2": "seed"}
Ends = tuple[float, float | None, float | None]


def explained(
    ranks: dict[tuple[str, str], Ends], gaps: dict[str, float] | None = None
) -> Explained:
    pairs = [
        Agreed(
            method="integrated", first=first, second=second,
            **{name: Estimate(value=v, low=low, high=high) for name in ("rank", "top", "sign")},
        )
        for (first, second), (v, low, high) in ranks.items()
    ]  # fmt: skip
    return Explained.model_validate(
        {
            "run": "r", "task": "t", "preset": "p", "command": [], "suite_version": "0",
            "function": "f", "examples": 20, "methods": ["integrated"], "models": MODELS,
            "known": "", "agreements": pairs, "largest_gap": gaps or {},
        }
    )  # fmt: skip


BACKENDS, ECHO, SEED = ("a:m", "b:m"), ("a:m", "echo of a:m"), ("a:m", "a:m, seed 2")


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((0.9, 0.88, 0.92), (0.8, 0.78, 0.82), "less than"),
        ((0.8, 0.78, 0.82), (0.9, 0.88, 0.92), "more than"),
        ((0.85, 0.8, 0.9), (0.88, 0.84, 0.92), "by what these texts cannot tell from what"),
        ((0.88, 0.84, 0.92), (0.85, 0.8, 0.9), "no more than"),
        ((0.85, None, None), (0.88, 0.84, 0.92), "by what so few texts cannot tell from what"),
    ],
)
def test_a_difference_is_said_where_intervals_are_apart(
    ours: Ends, theirs: Ends, said: str
) -> None:
    assert verdict(explained({BACKENDS: ours, ECHO: theirs})) == (
        f"Explanations of backends differ {said} rounding alone does."
    )
    assert verdict(explained({BACKENDS: ours, SEED: theirs})) == (
        f"Explanations of backends differ {said} another seed does."
    )


def test_without_a_yardstick_nothing_is_said_of_much() -> None:
    found = explained({BACKENDS: (0.9, 0.8, 1.0)})
    assert verdict(found) == ""
    assert alike(found) == (
        "Both backends order a text's words with a rank correlation of 0.900 (0.800–1.000)"
        " (integrated gradients, median of texts)."
    )
    assert right(found) == ""


def test_what_does_not_add_up_is_not_said_to() -> None:
    whole, loose = explained({}, {"shapley": 1e-9}), explained({}, {"integrated": 2e-3})
    assert complete(whole) == (
        "Scores add up to what there is to explain: Shapley values to less than 0.01%."
    )
    assert complete(loose) == "They do not quite add up: integrated gradients to 0.20%."


def test_every_method_is_offered_computed_and_told() -> None:
    assert METHODS == tuple(COMPUTED) == tuple(IN_WORDS)


def test_the_example_of_the_pages_is_as_they_tell() -> None:
    folder = ROOT / "results" / "reference" / "sentiment-learns"
    found = Explained.model_validate_json((folder / "explanations.json").read_bytes())
    assert verdict(found) == (
        "Explanations of backends differ no more than rounding alone does, and less than another"
        " seed does."
    )
    told = (ROOT / "docs" / "explain.md").read_text("utf-8")
    for figure in ("1.000 (1.000–1.000)", "0.859 (0.833–0.887)"):
        assert figure in alike(found)
        assert figure in told
    assert "78% (74%–81%)" in right(found)
    assert "trained on shuffled labels 37% (33%–40%)" in right(found)
    assert "| JAX, shuffled labels | | 0.37 (0.33–0.40) | 0.191 |" in told
