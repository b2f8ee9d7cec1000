"""What a report says of a run's data and of how it was judged, from the data's own description."""

from collections.abc import Iterator, Mapping
from typing import Any

from compare.findings.summary import Summary
from compare.worker.losses import bits_per_byte

_MANY_UNKNOWN = 0.03

Data = Mapping[str, Any]
"""`Prepared.about`, as the experiment keeps it"""


def sentences_of_data(summary: Summary) -> Iterator[str]:
    data: Data = summary.experiment["data"]
    yield from _counts(data)
    yield from _classes(data)
    yield from _unknown(data)
    yield from _bits(summary, data)
    yield from _metrics(data)


def warnings_of_data(data: Data) -> list[str]:
    """What was left out, and what makes scores mean less than they seem to."""
    unknown = data.get("unknown_share", 0.0) > _MANY_UNKNOWN
    return [*_counts(data), *(_unknown(data) if unknown else ())]


def _counts(data: Data) -> Iterator[str]:
    for unit in ("examples", "tokens"):
        of = data.get(f"validation_{unit}_of")
        if of is not None and data[f"validation_{unit}"] < of:
            yield (
                f"Judged on {data[f'validation_{unit}']:,} of {of:,} validation {unit};"
                " --set task.judge=all judges all of them."
            )
    if "bad_rows" in data:
        yield f"Rows that cannot be used were left out: {data['bad_rows']}."


def _classes(data: Data) -> Iterator[str]:
    if "class_counts" in data:
        yield f"Classes, with their examples to train and to validate on: {data['class_counts']}."
    if "similar_classes" in data:
        yield f"Likely to be meant as one class: {data['similar_classes']}."


def _unknown(data: Data) -> Iterator[str]:
    share = data.get("unknown_share", 0.0)
    if share:
        line = f"{share:.1%} of the validation tokens are <unk>: not in the vocabulary."
        if share > _MANY_UNKNOWN:
            line += (
                " They are one easy token, and none of them can be put out; take --set"
                " task.tokens=bpe, or a larger model.vocab."
            )
        yield line


def _bits(summary: Summary, data: Data) -> Iterator[str]:
    losses = {c.label: c.validation_loss for c in summary.cells if c.validation_loss is not None}
    bits = {label: bits_per_byte(loss, data) for label, loss in losses.items()}
    told = [f"{label} {value:.4g}" for label, value in bits.items() if value is not None]
    if told:
        charged = " (8 for each byte of what is <unk>)" if data["unknown_bytes"] else ""
        yield f"Bits per byte of the original text{charged}: {', '.join(told)}."


def _metrics(data: Data) -> Iterator[str]:
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
