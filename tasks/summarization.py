"""Summarisation: read a document, write what matters in it.

Generated documents have a summary that follows from their structure (`data/documents.py`), so the
best reachable ROUGE is known. Scores are rouge-score's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from compare.contracts import Prepared, Quality
from compare.spec import Settings
from compare.stats import bootstrap

from .data import documents
from .encoder_decoder import PairsSettings, prepare_files, prepare_pairs, reachable
from .texts import values
from .words import tokenizer_of, word_rule

_GENERATED_TRAIN = 20_000
_GENERATED_VALIDATION = 1_000
_RECIPE = {"learning_rate": 0.004, "clip_norm": 1.0, "schedule": "cosine", "warmup_steps": 50}


class Summarization:
    name = "summarization"
    metrics = ("rouge1", "rouge2", "rougeL")
    best: Mapping[str, float] = dict.fromkeys(metrics, 100.0)
    settings = PairsSettings
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "task": {"source_length": 60},
            "model": {
                "architecture": "gru",
                "embedding": 64,
                "hidden": 64,
                "layers": 1,
                "heads": 1,
            },
            "optimizer": _RECIPE,
            "train": {"batch": 64, "sequence_length": 14, "steps": 700},
        },
        "transformer": {
            "task": {"source_length": 60},
            "model": {"embedding": 128, "hidden": 256, "layers": 2},
            "optimizer": _RECIPE | {"learning_rate": 0.002, "warmup_steps": 100},
            "train": {"batch": 64, "sequence_length": 14, "steps": 2000},
        },
        "tiny": {
            "task": {"source_length": 60},
            "model": {"embedding": 16, "hidden": 32, "layers": 1, "heads": 2},
            "train": {"batch": 8, "sequence_length": 14, "steps": 40, "validation_batches": 2},
            "run": {"roofline": False, "rounds": 1},
        },
        # For an accelerator: the base model of Vaswani et al. 2017, table 3.
        "medium": {
            "task": {"source_length": 512},
            "model": {
                "embedding": 512,
                "hidden": 2048,
                "layers": 6,
                "heads": 8,
                "dropout": 0.1,
                "tied": True,
            },
            "optimizer": _RECIPE | {"learning_rate": 5e-4, "warmup_steps": 400},
            "train": {"batch": 32, "sequence_length": 64, "steps": 5000},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, PairsSettings)
        if settings.task.data is not None:
            prepared = prepare_files(settings, settings.task.data)
            rule = word_rule(example.wanted for example in prepared.examples)
            about = prepared.about | {"rouge_words": rule}
            return replace(prepared, about=about, ceilings=reachable(prepared, self.quality))
        train = documents.documents(_GENERATED_TRAIN, "train")
        held = documents.documents(_GENERATED_VALIDATION, "validation")
        about = {"source": f"generated documents, version {documents.VERSION}"}
        prepared = prepare_pairs(settings, train, held, about)
        wanted = [example.wanted for example in prepared.examples]
        exact = [documents.summarise(example.text) for example in prepared.examples]
        best = self.quality(wanted, exact, resamples=0)
        # A summary is a function of its document: nothing is left to chance.
        return replace(prepared, floor=0.0, ceilings=values(best))

    def quality(self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int) -> Quality:
        """Mean F-measures of ROUGE-1, 2 and L (Lin 2004), from 0 to 100, of words by the
        `word_rule` of what is wanted."""
        from rouge_score.rouge_scorer import RougeScorer  # slow, and only scoring has a use for it

        scorer = RougeScorer(list(self.metrics), tokenizer=tokenizer_of(word_rule(wanted)))
        each = [scorer.score(w, output) for w, output in zip(wanted, outputs, strict=True)]
        found = {m: np.array([100 * scores[m].fmeasure for scores in each]) for m in self.metrics}
        return {m: bootstrap(np.mean, [values], resamples) for m, values in found.items()}


task = Summarization()
