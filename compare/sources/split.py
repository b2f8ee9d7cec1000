"""Which rows are trained on, which are kept to validate on, and which of these are judged."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from compare.errors import UserError
from compare.sources.classes import has_splits
from compare.sources.rows import Row
from compare.text.words import Normalise, normalised

SHARE = 0.1
"""Of the rows is held out where a user names no validation data."""


class Rows(NamedTuple):
    """Rows to train on and rows to validate on; `doubles` is how many there were to train on whose
    text is validated on, and which were left out."""

    train: list[Row]
    held: list[Row]
    doubles: int


Read = Callable[[str, str | None], list[Row]]
"""(data, a dataset's split) -> rows"""


def train_and_validation(
    read: Read,
    data: str,
    split: str,
    validation: str | None,
    labelled: bool = False,
    normalise: Normalise = "none",
) -> Rows:
    """Rows to train on and rows to validate on, no input text in both.

    `validation` is more data of the same form, or for a dataset (`hf:...`, or folders of classes in
    train/ and test/) another of its splits, of which `split` is the one to train on;
    without it a tenth is held out, drawn by `in_drawn_order`; where rows are `labelled` with
    classes, a tenth of each class, and never its last row. All texts are `normalised`.
    Raises UserError for data that cannot be used.
    """
    dataset = data.startswith("hf:") or (labelled and has_splits(data))
    if not dataset and split != "train":
        raise UserError(f"task.split is of a dataset, and '{data}' has no splits")

    def composed(data: str, split: str | None) -> list[Row]:
        rows = read(data, split)
        return [(normalised(text, normalise), normalised(other, normalise)) for text, other in rows]

    rows = composed(data, split if dataset else None)
    if validation is None:
        held, rows = _held_out(rows, labelled)
    else:
        held = composed(data, validation) if dataset else composed(validation, None)
    seen = {text for text, _ in held}
    train = [row for row in rows if row[0] not in seen]
    if not train or not held:
        raise UserError(f"'{data}' {_why_too_few(rows, held)}")
    return Rows(train, held, doubles=len(rows) - len(train))


def _why_too_few(rows: Sequence[Row], held: Sequence[Row]) -> str:
    """Why there is nothing to train on, of these rows, or nothing to validate on."""
    if held and rows:
        return "has too few examples: each text to train on is validated on too"
    if not held and len(rows) > 1:
        return f"has too few examples: each of its {len(rows):,} classes has one"
    return "has too few examples to train on some and validate on others"


def drawn(rows: Sequence[Row], most: int, labelled: bool = False) -> list[Row]:
    """At most so many of the rows, from anywhere among them: the first of `in_drawn_order`."""
    return [rows[index] for index in in_drawn_order(rows, "judged", labelled)[:most]]


def in_drawn_order(rows: Sequence[Row], purpose: str, labelled: bool = False) -> list[int]:
    """Indices of the rows, as if shuffled: any first ones of them are a random sample.

    The order hangs on what is in the rows, not on where they stand: a file that is sorted
    otherwise gives the same sample. Where rows are `labelled`, every first ones have the classes
    in the shares of the whole, and at least one of each before a second of any.
    """
    copies: Counter[Row] = Counter()

    def keys() -> Iterator[bytes]:
        for row in rows:
            yield blake2b(repr((purpose, *row, copies[row])).encode(), digest_size=16).digest()
            copies[row] += 1

    found = list(keys())
    order = sorted(range(len(rows)), key=found.__getitem__)
    if not labelled:
        return order
    sizes, seen = Counter(name for _, name in rows), Counter[str]()
    places = [0.0] * len(rows)
    for index in order:
        name = rows[index][1]
        places[index] = seen[name] / sizes[name]
        seen[name] += 1
    return sorted(order, key=places.__getitem__)


def _held_out(rows: list[Row], labelled: bool) -> tuple[list[Row], list[Row]]:
    most = max(1, round(SHARE * len(rows)))
    left = Counter(name for _, name in rows)
    held: list[int] = []
    for index in in_drawn_order(rows, "held out", labelled):
        if len(held) == most:
            break
        if not labelled or left[rows[index][1]] > 1:
            held.append(index)
            left[rows[index][1]] -= 1
    kept = set(range(len(rows))).difference(held)
    return [rows[index] for index in held], [rows[index] for index in sorted(kept)]
