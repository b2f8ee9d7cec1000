"""Summarisation: read a document, write what matters in it.

Generated documents have a summary that follows from their structure (`data/documents.py`), so the
best reachable ROUGE is known. Scores are rouge-score's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rouge_score.rouge_scorer import RougeScorer

from compare.contracts import Prepared
from compare.settings import Settings
from compare.stats import Interval, bootstrap

from .data import documents
from .encoder_decoder import PairsSettings, prepare_files, prepare_pairs

_GENERATED_TRAIN = 20_000
_GENERATED_VALIDATION = 1_000


class Summarization:
    name = "summarization"
    metrics = ("rouge1", "rouge2", "rougeL")
    settings = PairsSettings
    presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
        "small": {
            "task": {"source_length": 60},
            "model": {"embedding": 64, "hidden": 128, "layers": 1},
            "optimizer": {"learning_rate": 0.003},
            "train": {"batch": 64, "sequence_length": 14, "steps": 200},
        },
        "tiny": {
            "task": {"source_length": 60},
            "model": {"embedding": 16, "hidden": 32, "layers": 1, "heads": 2},
            "train": {"batch": 8, "sequence_length": 14, "steps": 40, "validation_batches": 2},
        },
    }

    def prepare(self, settings: Settings) -> Prepared:
        assert isinstance(settings, PairsSettings)
        if settings.task.data is not None:
            return prepare_files(settings, settings.task.data)
        train = documents.documents(_GENERATED_TRAIN, "train")
        held = documents.documents(_GENERATED_VALIDATION, "validation")
        about = {"source": f"generated documents, version {documents.VERSION}"}
        prepared = prepare_pairs(settings, train, held, about)
        wanted = [example.wanted for example in prepared.examples]
        exact = [documents.summarise(example.text) for example in prepared.examples]
        best = self.quality(wanted, exact, resamples=0)
        # A summary is a function of its document: nothing is left to chance.
        return replace(prepared, floor=0.0, ceilings={name: best[name].value for name in best})

    def quality(
        self, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int
    ) -> dict[str, Interval]:
        """Mean F-measures of ROUGE-1, 2 and L (Lin 2004), from 0 to 100."""
        scorer = RougeScorer(list(self.metrics))
        each = [scorer.score(w, output) for w, output in zip(wanted, outputs, strict=True)]
        found = {m: np.array([100 * scores[m].fmeasure for scores in each]) for m in self.metrics}
        return {m: bootstrap(np.mean, [values], resamples) for m, values in found.items()}


task = Summarization()
