"""Translation: read a sentence, write it in another language.

Generated sentences have an exact translation by a small grammar (`data/transduction.py`), so the
best reachable BLEU and loss are known. Scores are sacrebleu's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.significance import _bootstrap_resample

from compare.contracts import Prepared, Quality
from compare.settings import Settings
from compare.stats import Interval, percentiles

from .data import transduction
from .encoder_decoder import PairsSettings, prepare_files, prepare_pairs
from .texts import values

_GENERATED_TRAIN = 20_000
_GENERATED_VALIDATION = 1_000
_RECIPE = {"learning_rate": 0.004, "clip_norm": 1.0, "schedule": "cosine", "warmup_steps": 100}


class Translation:
    name = "translation"
    metrics = ("bleu", "chrf")
    settings = PairsSettings
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "model": {"embedding": 64, "hidden": 128, "layers": 1},
            "optimizer": _RECIPE,
            "train": {"batch": 64, "sequence_length": 16, "steps": 400},
        },
        "gru": {
            "model": {
                "architecture": "gru",
                "embedding": 64,
                "hidden": 64,
                "layers": 1,
                "heads": 1,
            },
            "optimizer": _RECIPE,
            "train": {"batch": 64, "sequence_length": 16, "steps": 600},
        },
        # For an accelerator: the base model of Vaswani et al. 2017, table 3.
        "medium": {
            "task": {"source_length": 64},
            "model": {
                "embedding": 512,
                "hidden": 2048,
                "layers": 6,
                "heads": 8,
                "dropout": 0.1,
                "tied": True,
            },
            "optimizer": _RECIPE | {"learning_rate": 5e-4, "warmup_steps": 400},
            "train": {"batch": 128, "sequence_length": 64, "steps": 5000},
        },
        "tiny": {
            "model": {"embedding": 16, "hidden": 32, "layers": 1, "heads": 2},
            "train": {"batch": 8, "sequence_length": 16, "steps": 40, "validation_batches": 2},
            "run": {"roofline": False},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, PairsSettings)
        if settings.task.data is not None:
            return prepare_files(settings, settings.task.data)
        train = transduction.sentences(_GENERATED_TRAIN, "train")
        held = transduction.sentences(_GENERATED_VALIDATION, "validation")
        about = {"source": f"generated sentences, version {transduction.VERSION}"}
        prepared = prepare_pairs(settings, train, held, about)
        wanted = [example.wanted for example in prepared.examples]
        exact = [transduction.translate(example.text) for example in prepared.examples]
        best = self.quality(wanted, exact, resamples=0)
        # A translation is a function of its sentence: nothing is left to chance.
        return replace(prepared, floor=0.0, ceilings=values(best))

    def quality(self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int) -> Quality:
        """BLEU (Papineni et al. 2002) and chrF (Popovic 2015), from 0 to 100."""
        # Text that is tokenised, as corpora often are, is welcome: no warning of it.
        metrics: dict[str, Metric] = {"bleu": BLEU(force=True), "chrf": CHRF()}
        return {m: _scored(metric, wanted, outputs, resamples) for m, metric in metrics.items()}


task = Translation()


def _scored(
    metric: Metric, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int
) -> Interval:
    value = metric.corpus_score(outputs, [wanted]).score
    if not resamples:
        return Interval(value, None, None)
    # `corpus_score(n_bootstrap=...)` fails where some resamples score exactly 0.
    statistics = metric._extract_corpus_statistics(outputs, [wanted])
    _, found = _bootstrap_resample(statistics, metric, resamples)
    return percentiles(value, [score.score for score in found])
