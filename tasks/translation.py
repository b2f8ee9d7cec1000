"""Translation: read a sentence, write it in another language.

Generated sentences have an exact translation by a small grammar (`data/transduction.py`), so the
best reachable BLEU and loss are known. Scores are sacrebleu's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import Field

from compare.contracts import Prepared, Quality
from compare.spec import Settings

from .bleu import Tokenize, judge, looks_tokenised, signature
from .data import transduction
from .encoder_decoder import PairsSettings, PairsTask, prepare_files, prepare_pairs, reachable
from .texts import values

_GENERATED_TRAIN = 20_000
_GENERATED_VALIDATION = 1_000
_RECIPE = {"learning_rate": 0.004, "clip_norm": 1.0, "schedule": "cosine", "warmup_steps": 100}


class TranslationTask(PairsTask):
    bleu_tokenize: Tokenize = Field(
        default="auto", description="sacrebleu's tokeniser; auto: by the script of the references"
    )


class TranslationSettings(PairsSettings):
    task: TranslationTask = TranslationTask()


class Translation:
    name = "translation"
    metrics = ("bleu", "chrf")
    best: Mapping[str, float] = dict.fromkeys(metrics, 100.0)
    settings = TranslationSettings
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
            "run": {"roofline": False, "rounds": 1},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, TranslationSettings)
        if settings.task.data is not None:
            return _from_files(settings, settings.task.data)
        train = transduction.sentences(_GENERATED_TRAIN, "train")
        held = transduction.sentences(_GENERATED_VALIDATION, "validation")
        about = {"source": f"generated sentences, version {transduction.VERSION}"}
        prepared = prepare_pairs(settings, train, held, about)
        wanted = [example.wanted for example in prepared.examples]
        exact = [transduction.translate(example.text) for example in prepared.examples]
        best = self.quality(wanted, exact, resamples=0)
        # A translation is a function of its sentence: nothing is left to chance.
        return replace(prepared, floor=0.0, ceilings=values(best), alignment=transduction.alignment)

    def quality(self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int) -> Quality:
        """BLEU (Papineni et al. 2002) and chrF (Popovic 2015), from 0 to 100."""
        return judge(wanted, outputs, resamples)


task = Translation()


def _from_files(settings: TranslationSettings, data: str) -> Prepared:
    tokenize = settings.task.bleu_tokenize
    prepared = prepare_files(settings, data)
    wanted = [example.wanted for example in prepared.examples]
    judging = partial(judge, tokenize=tokenize)
    about: dict[str, str | int | float] = {"bleu_signature": signature(wanted, tokenize)}
    if looks_tokenised(wanted):
        about["tokenised_references"] = 1
    return replace(
        prepared,
        about=prepared.about | about,
        quality=judging,
        ceilings=reachable(prepared, judging),
    )
