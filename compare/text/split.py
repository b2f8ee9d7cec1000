"""Which rows are trained on, and which are kept to validate on."""

from collections.abc import Callable

from compare.errors import UserError
from compare.spec.weights import generator
from compare.text.rows import Row

SHARE = 0.1
"""Of the rows is held out where a user names no validation data."""

Read = Callable[[str, str | None], list[Row]]
"""(data, a dataset's split) -> rows"""


def train_and_validation(
    read: Read, data: str, split: str, validation: str | None
) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows to validate on, no input text in both.

    `validation` is more data of the same form, or for a dataset (`hf:...`) another of its splits;
    without it a random tenth is held out, the same one every time. Raises UserError for data that
    cannot be used.
    """
    dataset = data.startswith("hf:")
    rows = read(data, split if dataset else None)
    if validation is None:
        held, rows = _drawn(rows)
    else:
        held = read(data, validation) if dataset else read(validation, None)
    seen = {text for text, _ in held}
    rows = [row for row in rows if row[0] not in seen]
    if not rows or not held:
        raise UserError(f"'{data}' has too few examples to train on some and validate on others")
    return rows, held


def _drawn(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    order = generator(0, "held out").permutation(len(rows)).tolist()
    border = max(1, round(SHARE * len(rows)))
    return [rows[i] for i in order[:border]], [rows[i] for i in sorted(order[border:])]
