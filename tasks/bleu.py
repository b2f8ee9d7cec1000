"""BLEU and chrF by sacrebleu: which tokeniser fits a text, and what else a score hangs on."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import regex
from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from compare.contracts import Array, Quality
from compare.errors import UserError
from compare.stats import Interval, bootstrap

Tokenize = Literal[
    "auto", "13a", "intl", "zh", "char", "none",
    "ja-mecab", "ko-mecab", "spm", "flores101", "flores200", "spBLEU-1K",
]  # fmt: skip
"""sacrebleu's tokenisers, or by the script of the references."""

_ORDER = 4  # BLEU counts runs of up to so many tokens
_MOST = 0.5
_LETTER, _HAN = regex.compile(r"\p{L}"), regex.compile(r"\p{Han}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_SPACELESS = regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")


def tokenizer_for(references: Sequence[str]) -> Tokenize:
    """zh for Chinese, single characters for other scripts that are written without spaces (for
    Japanese sacrebleu's own advice is ja-mecab, which is a library of its own), else 13a."""
    text = "\n".join(references)
    letters = len(_LETTER.findall(text))
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    if kana + han > _MOST * letters:
        return "char" if kana > han / 10 else "zh"
    return "char" if len(_SPACELESS.findall(text)) > _MOST * letters else "13a"


def bleu_for(references: Sequence[str], tokenize: Tokenize = "auto") -> BLEU:
    """The metric for these references. Where none of them has four tokens, effective order, as
    sacrebleu calls it: runs that cannot be there are not asked for.

    Raises UserError where a tokeniser needs something that is not there.
    """
    chosen = tokenizer_for(references) if tokenize == "auto" else tokenize
    try:
        # What looks tokenised is told in the report, not on stderr at every evaluation.
        metric = BLEU(force=True, tokenize=chosen)
    except Exception as error:  # a library or a model that is to be installed or downloaded
        told = " ".join(str(error).split())
        raise UserError(f"task.bleu_tokenize={chosen} cannot be used here: {told}") from None
    longest = max((_tokens(metric, text) for text in references), default=0)
    metric.effective_order = longest < _ORDER
    return metric


def judge(
    wanted: Sequence[str], outputs: Sequence[str], resamples: int, tokenize: Tokenize = "auto"
) -> Quality:
    """BLEU (Papineni et al. 2002) and chrF (Popovic 2015), from 0 to 100."""
    metrics: dict[str, Metric] = {"bleu": bleu_for(wanted, tokenize), "chrf": CHRF()}
    return {name: _scored(metric, wanted, outputs, resamples) for name, metric in metrics.items()}


def signature(references: Sequence[str], tokenize: Tokenize) -> str:
    """What to quote with a score, as sacrebleu writes it."""
    metric = bleu_for(references, tokenize)
    metric.corpus_score(references, [references])
    return str(metric.get_signature())


def looks_tokenised(references: Sequence[str]) -> bool:
    """Whether most texts end like "word .", as sacrebleu tells them."""
    return sum(text.endswith(" .") for text in references) > _MOST * len(references)


def _scored(
    metric: Metric, wanted: Sequence[Any], outputs: Sequence[Any], resamples: int
) -> Interval:
    """A score with its interval, in which a resample does not count that has no reference as long
    as BLEU asks for: it would be 0 whatever the outputs are."""
    counts = np.array(metric._extract_corpus_statistics(outputs, [wanted]), np.float64)
    long_enough = np.ones(len(counts), bool)
    if isinstance(metric, BLEU) and not metric.effective_order:
        long_enough = np.array([_tokens(metric, text) >= _ORDER for text in wanted])

    def score(counts: Array, long_enough: Array) -> float:
        if not long_enough.any():
            raise ValueError("no reference has four tokens")
        return float(metric._compute_score_from_stats(counts.sum(0)).score)

    return bootstrap(score, [counts, long_enough], resamples)


def _tokens(metric: BLEU, text: str) -> int:
    return len(metric.tokenizer(text.rstrip()).split())
