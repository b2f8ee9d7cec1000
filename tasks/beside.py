"""Another column beside a user's texts: whom they speak of, or what people marked in them."""

from collections import defaultdict

from compare.errors import UserError
from compare.sources.bad_rows import BadRows
from compare.sources.rows import HUB, has_columns, read_rows
from compare.text.words import normalised

from .sentiment_settings import SentimentTask


def beside_texts(
    task: SentimentTask, data: str, field: str, column: str, held: bool
) -> dict[str, str]:
    """What a column has beside each text, of the rows that are `held` to validate on or of those
    that are trained on; nothing of a text that stands there with two values, since texts are all
    that rows are told apart by.

    `field` is what names the column. Raises UserError for data without columns, and for a column
    that is not there.
    """
    if not has_columns(data):
        raise UserError(f"{field} names a column, '{column}', and '{data}' has none")
    if data.startswith(HUB):
        split = task.validation if held and task.validation else task.split
        rows = read_rows(data, task.source, column, split, BadRows(skip=True))
    else:
        where = task.validation if held and task.validation else data
        rows = read_rows(where, task.source, column, None, BadRows(skip=True))
    values = defaultdict[str, set[str]](set)
    for text, value in rows:
        values[normalised(text, task.normalise)].add(value.strip())
    return {text: next(iter(found)) for text, found in values.items() if len(found) == 1}
