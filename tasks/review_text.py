"""Generated reviews as a text to model, a line each: of whom they speak is known."""

import math
from collections.abc import Sequence
from pathlib import Path

from compare.contracts import TwinTexts
from compare.errors import UserError
from compare.sources.source import Source, text_source

from .data import reviews
from .data.grammar import Split

NAME = "reviews"  # of --data
_TRAIN, _VALIDATION = 20_000, 2_000


def open_reviews(share: float) -> tuple[Source, Source]:
    """The text to train on and the one to validate on; `share` of the reviews are about women.
    Raises UserError where something else is called so here."""
    if Path(NAME).exists():
        raise UserError(
            f"'{NAME}' is something of your own here, and the generated reviews: write ./{NAME} for"
            " yours, or go to another folder"
        )
    train, held = (_drawn(split, share) for split in ("train", "validation"))
    return _text(train), _text(held)


def twin_texts(share: float) -> TwinTexts:
    """Every validation text beside its twin, neither of which was trained on, women's first."""
    train = _drawn("train", share)
    known = {one.text for one in train}
    pairs = dict[str, str]()
    for one in _drawn("validation", share):
        twin = reviews.twin(one.text)
        if twin not in known:
            woman, man = (one.text, twin) if one.about == reviews.GROUPS[0] else (twin, one.text)
            pairs[woman] = man
    women = sum(one.about == reviews.GROUPS[0] for one in train)
    ratio = math.log(women / (len(train) - women)) if 0 < women < len(train) else math.nan
    return TwinTexts(reviews.GROUPS[0], reviews.GROUPS[1], list(pairs.items()), ratio)


def _drawn(split: Split, share: float) -> list[reviews.Review]:
    return reviews.reviews(_TRAIN if split == "train" else _VALIDATION, split, share=share)


def _text(some: Sequence[reviews.Review]) -> Source:
    return text_source(NAME, "".join(f"{one.text}\n" for one in some))
