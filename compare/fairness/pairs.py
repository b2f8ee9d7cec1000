"""Pairs of texts that differ in whom they speak of alone, as a language model finds them.

Both texts are scored whole, by a causal model: figures of this kind for masked models, such as
those of CrowS-Pairs (Nangia et al. 2020), are others, and not comparable.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compare.errors import UserError
from compare.records.values import Estimate, Record
from compare.sources.lines import place
from compare.sources.tables import DELIMITERS, csv_rows
from compare.stats.resampling import RESAMPLES, percentiles

LEAST_PAIRS = 30
_SEED = 1


class Pairs(NamedTuple):
    """The texts of two groups, of which the `first` at each place is the other's twin. `truth` is
    the difference that a model which is right finds, in nats, where that is known."""

    names: tuple[str, str]
    first: list[str]
    second: list[str]
    truth: float | None = None

    @classmethod
    def read(cls, path: Path) -> "Pairs":
        """Two columns of a .csv or .tsv file, whose first line names the groups; raises UserError
        for anything else, and for fewer pairs than can be told of."""
        rows = list[list[str]]()
        for line, fields in csv_rows(path, DELIMITERS.get(path.suffix.lower(), ",")):
            texts = [field for field in fields if field.strip()]
            if len(fields) != 2 or len(texts) != 2:
                raise UserError(f"{place(path, line)}: a pair is two texts, not {len(texts)}")
            rows.append(texts)
        if len(rows) - 1 < LEAST_PAIRS:
            raise UserError(
                f"'{path}' has {max(0, len(rows) - 1)} pairs below the line that names the groups:"
                f" {LEAST_PAIRS} are needed"
            )
        (one, other), *pairs = rows
        return cls((one, other), [pair[0] for pair in pairs], [pair[1] for pair in pairs])


class Likelihood(Record):
    """How much likelier one backend finds the first group's texts: the mean of log P(first) less
    log P(second) over `pairs`, in nats, and the share of pairs whose first is the likelier, ties
    half; intervals over pairs. `unequal` pairs are not of as many tokens, `unknown` have a word
    that is not in the vocabulary. `truth` is the gap of a model that is right, where that is
    known."""

    backend: str
    mode: str
    first: str
    second: str
    pairs: int
    gap: Estimate
    likelier: Estimate
    unequal: int
    unknown: int
    truth: float | None = None


def likelihood_figures(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[Estimate, Estimate]:
    """`gap` and `likelier` of the log-likelihoods (pairs,) of both texts, in nats; intervals are of
    percentiles (Efron and Tibshirani 1993, chapter 13), a pair drawn whole."""
    gaps = first - second
    likelier = (gaps > 0) + 0.5 * (gaps == 0)
    random = np.random.Generator(np.random.Philox(_SEED))
    drawn = random.integers(0, len(gaps), (RESAMPLES, len(gaps)))
    gap, share = (
        Estimate.of(percentiles(float(values.mean()), values[drawn].mean(-1)))
        for values in (gaps, likelier)
    )
    return gap, share
