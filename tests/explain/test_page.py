"""The page of explanations, in a browser: what it shows, and to whom."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browser import BEYOND, grave_violations, launched, needs_browser, opened_page
from compare.report.html import report
from compare.tasks.data import reviews

from compare.records.explanations import (
    Agreed,
    AttentionMap,
    Explained,
    Explanation,
    Faithful,
    Inside,
    Right,
)
from compare.records.values import Estimate

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.xdist_group("html"), needs_browser]
MODELS = {"torch:eager": "backend", "jax:jit": "backend", "echo of jax:jit": "echo",
          "torch:eager, seed 2": "seed", "not trained": "initial"}  # fmt: skip
TEXTS = [review.text for review in reviews.reviews(200, "validation")]


def about(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.02, high=value + 0.02)


@pytest.fixture(scope="module")
def explained() -> Explained:
    """200 texts of five models, whose scores are the truth with noise."""
    random = np.random.default_rng(1)
    explanations = [
        Explanation(
            model=model, of=of, backend=model.split(":")[0], mode="m", example=i, asked="'a'",
            method=method, tokens=text.split(), value=1.0, baseline=0.0, gap=0.0,
            scores=[share + float(random.normal()) / 10 for share in reviews.truth(text)],
        )
        for method in ("integrated", "occlusion")
        for i, text in enumerate(TEXTS)
        for model, of in MODELS.items()
    ]  # fmt: skip
    pairs = [("torch:eager", "jax:jit"), ("jax:jit", "echo of jax:jit"),
             ("torch:eager", "torch:eager, seed 2")]  # fmt: skip
    return Explained.model_validate(
        {
            "run": "kept/RUN", "task": "sentiment", "preset": "small", "command": ["compare"],
            "suite_version": "0", "function": "the log-odds of 'a' rather than 'b'",
            "examples": 200, "methods": ["integrated", "occlusion"], "models": MODELS,
            "known": "rule", "largest_gap": {"integrated": 3e-7}, "notes": ["one <b>note</b>"],
            "agreements": [
                Agreed(method="integrated", first=a, second=b, rank=about(r), top=about(0.9),
                       sign=about(0.9))
                for (a, b), r in zip(pairs, (0.98, 0.97, 0.7), strict=True)
            ],
            "rightness": [
                Right(method="integrated", model=model, precision=about(0.8), chance=0.29,
                      average_precision=about(0.8), auroc=about(0.9), mass=about(0.8),
                      people=about(0.03), rank=about(0.8))
                for model in MODELS
            ],
            "faithfulness": [
                Faithful(method="integrated", model=model, comprehensiveness=about(1.0),
                         sufficiency=about(0.1), deletion=about(-1.0), insertion=about(1.0),
                         infidelity=None, curve=list(np.linspace(2, 0, 11)),
                         random=list(np.linspace(2, 1, 11)), rule=list(np.linspace(2.5, 0, 11)))
                for model, of in MODELS.items() if of == "backend"
            ],
            "inside": [
                Inside(model="jax:jit", name="rnn", what="activations", counts=[1, 5, 2],
                       edges=[0, 1, 2, 3], mean=0.1, deviation=1, zeros=0, saturated=0.25, dead=0),
                Inside(model="jax:jit", name="head.bias", what="weights", counts=[1, 1],
                       edges=[0, 1, 2], mean=0.1, deviation=1, zeros=0, saturated=None, dead=None,
                       norms=[0.5, 1.25]),
            ],
            "maps": [
                AttentionMap(model="jax:jit", block="block.0", head=0, example=0,
                             looking=["a", "b"], tokens=["a", "b"], weights=[[1, 0], [0.25, 0.75]],
                             gap=1e-7),
                # Of a decoder: more places that look than tokens that are seen.
                AttentionMap(model="jax:jit", block="decoder.0.cross", head=0, example=0,
                             looking=["output 1", "output 2", "output 3"], tokens=["a", "b"],
                             weights=[[1, 0], [0, 1], [0.5, 0.5]], gap=1e-7),
            ],
            "explanations": explanations,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def file(explained: Explained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explained") / "explain.html"
    path.write_text(report.render_explained(explained), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with launched() as opened:
        yield opened


def test_the_first_screen_answers(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, viewport={"width": 1280, "height": 700})
    answers = page.locator("dl.answers").inner_text()
    assert "0.980 (0.960–1.000)" in answers
    assert "no more than rounding alone does, and less than another seed does" in answers
    assert "80% (78%–82%)" in answers
    assert "<b>note</b>" in page.locator(".warnings").inner_text()
    assert page.locator("dl.answers").bounding_box()["y"] < 300  # type: ignore[index]
    assert page.evaluate(BEYOND) == 0


def test_a_word_shows_its_score_and_its_sign(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file)
    words = page.locator(".why b")
    against = page.locator(".why b[class^=n]").first
    assert float(str(against.get_attribute("title"))) < 0
    assert "underline" in against.evaluate("one => getComputedStyle(one).textDecorationLine")
    speaking_for = page.locator(".why b[class^=p]").first
    assert float(str(speaking_for.get_attribute("title"))) > 0
    assert "none" in speaking_for.evaluate("one => getComputedStyle(one).textDecorationLine")
    assert words.count() > 1000


def test_layers_and_weights_have_their_figures(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file)
    titles, cells = (
        [table.locator(kind).all_text_contents() for table in page.locator("table.plain").all()]
        for kind in ("thead th", "tbody td")
    )
    inside = dict(zip(map(tuple, titles), cells, strict=True))
    ((activations, layers), (weights, parameters)) = (
        (names, found) for names, found in inside.items() if "histogram" in names
    )
    assert activations[-2:] == ("saturated", "dead units")
    assert layers[-2:] == ["25.0%", "0.0%"]
    assert weights[-1] == "norm, before → after, and at looks between"
    assert parameters[-1] == "0.5 → 1.25"


def test_hovering_the_deletion_curve_tells_figures(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, viewport={"width": 1280, "height": 900})
    plot = page.locator("#plot-deletion svg").last
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    told = tooltip.inner_text()
    assert "the rule itself" in told
    assert "1.25" in told  # of the rule, at half of the words


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_keeps_nobody_out(browser: "Browser", file: Path, scheme: str) -> None:
    page = opened_page(browser, file, color_scheme=scheme)
    # All but the many texts, which are as the first ones are.
    page.evaluate(
        "[...document.querySelectorAll('details')].slice(1).forEach(one => one.open = true)"
    )
    assert grave_violations(page) == []


def test_it_fits_a_phone(browser: "Browser", file: Path) -> None:
    page = opened_page(browser, file, viewport={"width": 390, "height": 800})
    assert page.evaluate(BEYOND) == 0


def test_without_a_script_everything_is_there(browser: "Browser", file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("#plot-deletion svg").count() == 1
    assert page.locator("#plot-precision svg").count() == 1
    assert page.locator(".maps rect").count() == 3 + 4
    assert "output 3 → b: 0.50" in page.locator(".maps").inner_html()


def test_200_texts_of_five_models_are_a_small_file(file: Path) -> None:
    assert file.stat().st_size < 4_500_000  # of which the script that draws is some 1 MB
