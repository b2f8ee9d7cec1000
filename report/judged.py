"""What a report says of a run's data and of how it was judged, from the data's own description."""

from collections.abc import Iterator, Mapping
from typing import Any

from compare.findings.summary import Summary

_MANY_UNKNOWN = 0.03

Data = Mapping[str, Any]
"""`Prepared.about`, as the experiment keeps it"""


def sentences_of_data(summary: Summary) -> Iterator[str]:
    data: Data = summary.experiment["data"]
    yield from _sizes(data)
    yield from _counts(data)
    yield from _classes(data)
    yield from _normalised(data)
    yield from _unknown(data)
    yield from _metrics(data)


def warnings_of_data(data: Data) -> list[str]:
    """What was left out, and what makes scores mean less than they seem to."""
    unknown = data.get("unknown_share", 0.0) > _MANY_UNKNOWN or "unknown_spelt_out" in data
    return [*_counts(data), *_odd_classes(data), *(_unknown(data) if unknown else ())]


def _sizes(data: Data) -> Iterator[str]:
    """Of all data that a user brought; `_counts` is of what of it was not judged or not taken."""
    for unit in ("examples", "tokens"):
        held = data.get(f"validation_{unit}_of")
        if held is not None:
            yield (
                f"{data[f'train_{unit}']:,} {unit} to train on and {held:,} to validate on;"
                f" task.tokens={data['unit']}, a vocabulary of {data['vocab']:,}."
            )


def _counts(data: Data) -> Iterator[str]:
    for unit in ("examples", "tokens"):
        of = data.get(f"validation_{unit}_of")
        if of is not None and data[f"validation_{unit}"] < of:
            rest = (
                ": the rest fills no row of a batch"
                if data.get("judged") == "all"
                else "; --set task.judge=all judges all of them"
            )
            yield f"Judged on {data[f'validation_{unit}']:,} of {of:,} validation {unit}{rest}."
    if "bad_rows" in data:
        yield f"Rows that cannot be used were left out: {data['bad_rows']}."
    if "doubles" in data:
        yield (
            f"Left out of training, since their text is validated on: {data['doubles']:,} examples."
        )


def _classes(data: Data) -> Iterator[str]:
    if "class_counts" in data:
        yield f"Classes, with their examples to train and to validate on: {data['class_counts']}."
    if "class_files" in data:
        yield f"They are named by {data['class_files']}."
    yield from _odd_classes(data)


def _odd_classes(data: Data) -> Iterator[str]:
    if "similar_classes" in data:
        yield f"Likely to be meant as one class: {data['similar_classes']}."
    if "missing_classes" in data:
        yield f"Likely to be no class, but what is missing: {data['missing_classes']}."


def _normalised(data: Data) -> Iterator[str]:
    if data.get("normalise") == "nfc":
        yield (
            "Text was composed on reading (Unicode's form C); --set task.normalise=none leaves it"
            " as it is."
        )


def _unknown(data: Data) -> Iterator[str]:
    share = data.get("unknown_share", 0.0)
    if share:
        line = f"{share:.1%} of the validation tokens are <unk>: not in the vocabulary."
        if share > _MANY_UNKNOWN:
            line += (
                " To the model they are all one token, and an easy one; take --set"
                " task.tokens=bpe, or a larger model.vocab."
            )
        yield line
    if "unknown_spelt_out" in data:
        yield (
            f"The text has {data['unknown_spelt_out']:,} times <unk> in it, and was read as words:"
            " three easy ones each. --set task.tokens=spaces takes it for one token, as published"
            " perplexities of such text do."
        )


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
