"""What a report says of a run's data and of how it was judged, from the data's own description."""

from collections.abc import Iterator, Mapping
from typing import Any

Data = Mapping[str, Any]
"""`Prepared.about`, as the experiment keeps it"""


def sentences_of_data(data: Data) -> Iterator[str]:
    for unit in ("examples", "tokens"):
        of = data.get(f"validation_{unit}_of")
        if of is not None and data[f"validation_{unit}"] < of:
            yield (
                f"Judged on {data[f'validation_{unit}']:,} of {of:,} validation {unit};"
                " --set task.judge=all judges all of them."
            )
    if "f1" in data:
        remedy = "" if data["f1"].startswith("of") else "; --set task.positive=... judges one class"
        yield f"f1: {data['f1']}{remedy}."
    if "rouge_words" in data:
        yield f"ROUGE: of {data['rouge_words']}."
    if "bleu_signature" in data:
        yield f"BLEU: {data['bleu_signature']}."
    if "tokenised_references" in data:
        yield (
            "The references are tokenised text ('word .'), so BLEU compares with that of tokenised"
            " text only; --set task.bleu_tokenize=none takes their tokens as they are."
        )
