"""Attributions are what their formulas say: against finite differences, and against libraries."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from asked import model_of, planned
from conftest import needs
from numpy.typing import NDArray

from compare.explain import shapley
from compare.explain.attention import attention_maps
from compare.explain.methods import (
    NODES,
    integrated_gradients,
    occlusion,
)
from compare.explain.model import Model
from compare.explain.shapley import shapley_of_game, shapley_values, surrogate
from compare.explain.subjects import Subject
from compare.explain.variants import plain
from compare.spec.layers import TransformerBlock

ARCHITECTURES = ("elman", "lstm", "gru", "transformer")
COMPLETE = 1e-10


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_position_s_gradient_is_what_finite_differences_give(architecture: str) -> None:
    model, subjects, _ = model_of(planned(architecture=architecture), texts=2)
    vectors = [model.table[list(one.ids)].astype(np.float64) for one in subjects]
    found = model.gradients(subjects, vectors)
    step = 1e-5
    for position in (0, len(subjects[0].ids) - 1):
        for axis in (0, 5):
            ends = []
            for way in (step, -step):
                moved = [vector.copy() for vector in vectors]
                moved[0][position, axis] += way
                ends.append(model.answers_to(subjects, moved)[0])
            slope = (ends[0] - ends[1]) / (2 * step)
            assert found[0][position, axis] == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_integrated_gradients_are_complete(architecture: str) -> None:
    model, subjects, _ = model_of(planned(architecture=architecture))
    for one in integrated_gradients(model, subjects):
        assert one.gap is not None
        assert abs(one.gap) <= COMPLETE * max(1.0, abs(one.value))


def test_the_same_questions_of_a_language_model_and_of_a_translation() -> None:
    for task, model_fields in (("lm", {"architecture": "gpt"}), ("translation", {})):
        model, subjects, texts = model_of(planned(task, **model_fields), texts=2)
        if texts.undecided:
            choices = model.choices(subjects)
            subjects = [
                Subject(one.example, one.ids, one.tokens, first, second, "")
                for one, (first, second) in zip(subjects, choices, strict=True)
            ]
        for one in integrated_gradients(model, subjects[:4]):
            assert one.gap == pytest.approx(0, abs=COMPLETE)


def test_exact_shapley_values_are_the_mean_over_all_orders() -> None:
    values = np.array([0.0, 1.0, 2.0, 5.0, -1.0, 0.5, 3.0, 8.0])
    by_orders = np.zeros(3)
    for order in permutations(range(3)):
        inside = 0
        for player in order:
            by_orders[player] += (values[inside | 1 << player] - values[inside]) / 6
            inside |= 1 << player
    assert shapley_of_game(values) == pytest.approx(by_orders, abs=1e-15)


def test_shapley_values_add_up_exact_or_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    model, subjects, _ = model_of(planned())
    shortest = min(subjects, key=lambda one: len(one.ids))
    sampled = shapley_values(model, subjects)
    assert all(abs(one.gap or 0.0) < 1e-12 for one in sampled)
    monkeypatch.setattr(shapley, "MOST_EXACT", len(shortest.ids))
    shapley._masks.cache_clear()
    (exact,) = shapley_values(model, [shortest])
    shapley._masks.cache_clear()
    near = sampled[subjects.index(shortest)]
    assert near.scores == pytest.approx(exact.scores, abs=0.1 * np.abs(exact.scores).max() + 1e-3)


@pytest.mark.slow
@needs("shap")
def test_they_are_those_of_shap() -> None:
    import shap

    model, subjects, _ = model_of(planned())
    one = min(subjects, key=lambda subject: len(subject.ids))
    one = Subject(one.example, one.ids[:6], one.tokens[:6], one.token, one.instead, one.asked)

    def value(masks: NDArray[np.float64]) -> NDArray[np.float64]:
        texts = [tuple(np.array(one.ids)[row > 0].tolist()) for row in masks]
        return model.answers([one] * len(texts), texts)

    count = len(one.ids)
    explainer = shap.explainers.Exact(value, np.zeros((1, count)))
    theirs = explainer(np.ones((1, count))).values[0]
    (ours,) = shapley_values(model, [one])
    assert ours.scores == pytest.approx(theirs, abs=1e-10)


@needs("captum", "torch")
def test_integrated_gradients_are_those_of_captum(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """On the torch adapter's own module, whose embedding gets one row of zeros more."""
    import torch
    from captum.attr import LayerIntegratedGradients
    from compare.backends.torch import backend

    from compare.contracts.backend import Device

    plan = planned()
    model, subjects, _texts = model_of(plan, "torch")
    old = model.experiment.model.layers[0]
    wider = old.model_copy(update={"vocab": old.vocab + 1})
    layers = (wider, *model.experiment.model.layers[1:])
    spec = model.experiment.model.model_copy(update={"layers": layers})
    trainer = backend.build(model.experiment.model_copy(update={"model": spec}), Device("cpu"))
    zeros = np.zeros((1, model.table.shape[1]))
    trainer.load({**model.weights, model.table_name: np.concatenate([model.table, zeros])})
    embedding = next(m for m in trainer.model.modules() if isinstance(m, torch.nn.Embedding))

    def value(ids: torch.Tensor) -> torch.Tensor:
        fields = {"inputs": ids, "inputs_mask": torch.ones_like(ids, dtype=torch.bool)}
        logits, _ = trainer.model(fields, trainer.model.zero_states())
        log_p = torch.log_softmax(logits[:, 0], -1)
        return log_p[:, 1] - log_p[:, 0]

    ours = integrated_gradients(model, subjects)
    # Captum rounds the weights of its nodes to float32, and nothing else.
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    request.addfinalizer(lambda: torch.set_default_dtype(torch.float32))
    for one, mine in zip(subjects, ours, strict=True):
        ids = torch.tensor([one.ids])
        theirs = LayerIntegratedGradients(value, embedding).attribute(
            ids, torch.full_like(ids, old.vocab), n_steps=NODES, method="gausslegendre"
        )
        assert mine.scores == pytest.approx(theirs.sum(-1)[0].detach().numpy(), abs=1e-10)


@pytest.mark.parametrize(
    ("trained", "asked"), [("bf16", "fp32"), ("fp32", "fp32"), ("fp64", "fp64")]
)
def test_rounding_of_a_low_precision_is_no_part_of_an_explanation(trained: str, asked: str) -> None:
    experiment = planned().experiment
    train = experiment.train.model_copy(update={"dtype": trained, "accumulation": 2})
    rested = plain(experiment.model_copy(update={"train": train})).train
    assert (rested.dtype, rested.accumulation) == (asked, 1)


def test_a_surrogate_finds_what_is_linear() -> None:
    """Of a model that adds up its tokens, the coefficients are what each adds."""
    model, subjects, _ = model_of(planned(), texts=1)
    adds = np.linspace(-1, 2, len(subjects[0].ids))

    class Adding(Model):
        def answers(
            self, subjects: Sequence[Subject], texts: Sequence[Sequence[int]]
        ) -> NDArray[np.float64]:
            numbered = dict(zip(ids, adds, strict=True))
            return np.array([sum(numbered[token] for token in text) for text in texts])

    ids = tuple(range(len(adds)))
    one = Subject(0, ids, tuple(map(str, ids)), 1, 0, "")
    adding = Adding(model.answer, model.experiment, model.weights, model.asking)
    (found,) = surrogate(adding, [one])
    assert found.scores == pytest.approx(adds, abs=0.15)
    (left_out,) = occlusion(adding, [one])
    assert left_out.scores == pytest.approx(adds)


@pytest.mark.parametrize(
    "fields",
    [
        {"architecture": "transformer", "layers": 2},
        {"architecture": "transformer", "layers": 1, "heads": 2},
    ],
)
def test_attention_maps_put_back_give_the_block_s_output(fields: dict[str, object]) -> None:
    model, subjects, _ = model_of(planned(**fields))
    maps = attention_maps(model, subjects)
    assert len(maps) == fields["layers"]
    for one in maps:
        assert one.gap <= 1e-12
        assert one.weights.sum(-1) == pytest.approx(1.0)


def test_maps_of_turned_queries_and_keys_do_too() -> None:
    plan = planned("lm", architecture="gpt")
    layers = [
        layer.model_copy(update={"rotary": True}) if isinstance(layer, TransformerBlock) else layer
        for layer in plan.experiment.model.layers
    ]
    turned = plan.experiment.model.model_copy(update={"layers": tuple(layers)})
    experiment = plan.experiment.model_copy(update={"model": turned})
    model, subjects, _texts = model_of(replace(plan, experiment=experiment), texts=3)
    assert len(attention_maps(model, subjects)) > 0
    assert all(one.gap <= 1e-12 for one in attention_maps(model, subjects))


def test_padding_has_no_gradient() -> None:
    """Of a text in a batch of longer ones nothing depends on what stands behind it."""
    model, subjects, texts = model_of(planned())
    short, long = sorted(subjects, key=lambda one: len(one.ids))[:: len(subjects) - 1]
    assert len(short.ids) < len(long.ids)
    vectors = [model.table[list(one.ids)].astype(np.float64) for one in (short, long)]
    kept: list[NDArray[np.float64]] = []

    def watching(*question: object) -> NDArray[np.float64]:
        found: NDArray[np.float64] = answer(*question)  # type: ignore[arg-type]
        kept.append(found)
        return found

    answer = model.answer
    model.answer = watching  # type: ignore[assignment]
    model.gradients([short, long], vectors)
    of_short = kept[0].reshape(-1, texts.asking.width, model.table.shape[1])[0]
    assert np.all(of_short[len(short.ids) :] == 0.0)
    assert np.any(of_short[: len(short.ids)] != 0.0)
