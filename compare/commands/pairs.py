"""`compare fair` of language models: how likely they find a text and its twin."""

import json as json_module
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from compare.commands.generate import tokenizer_of
from compare.commands.options import command_line
from compare.commands.tables import print_fitting, say, tell_missing
from compare.errors import UserError
from compare.fairness.pairs import Likelihood, Pairs, likelihood_figures
from compare.findings.number_text import NOTHING, estimate
from compare.planning.choice import Choice
from compare.planning.kept import kept_weights
from compare.records.record_types import Header
from compare.records.run_folder import RunFolder
from compare.running.jobs import plan_to_ask
from compare.running.progress import Silent
from compare.spec.arrays import Weights
from compare.text.tokens import UNKNOWN, Tokenizer
from compare.text.words import Normalise, normalised
from compare.worker.decoding import log_softmax
from compare.worker.process import CellEnded

_ROWS = 64  # texts of a question: as many for every one, since frameworks compile for a shape


def pairs_of_data(
    folder: RunFolder, header: Header, choices: Sequence[Choice], progress: Silent
) -> Pairs:
    """The pairs that a run's own data has, which is made anew; raises UserError where there are
    none."""
    plan = plan_to_ask(folder, header, command_line(), progress, list(choices))
    twins = plan.prepared.twin_texts
    if twins is None:
        raise UserError(
            f"'{folder.path}' was trained on text without known groups: --pairs FILE has pairs of"
            " texts to ask for, --words FILE words"
        )
    first, second = ([pair[side] for pair in twins.pairs] for side in (0, 1))
    return Pairs((twins.first, twins.second), first, second, twins.log_ratio)


def pairs_of_run(
    folder: RunFolder, header: Header, pairs: Pairs, choices: Sequence[Choice], json: bool
) -> bool:
    """Print what every backend with weights makes of these pairs; whether each could."""
    experiment, tokenizer = header.experiment, tokenizer_of(folder)
    form: Normalise = "nfc" if experiment.data.get("normalise") == "nfc" else "none"
    texts = (pairs.first, pairs.second)
    sides = [[_ids(tokenizer, normalised(t, form)) for t in side] for side in texts]
    context, longest = experiment.model.context(), max(len(ids) for side in sides for ids in side)
    if context and longest > context:
        raise UserError(f"a text of the pairs has {longest} tokens, and the model sees {context}")
    found, missing = list[Likelihood](), dict[str, str]()
    for choice in choices:
        try:
            scores = _log_likelihoods(
                header, choice, kept_weights(folder, choice.cell), [*sides[0], *sides[1]]
            )
        except CellEnded as end:
            missing[choice.cell.label] = end.reason
            continue
        gap, likelier = likelihood_figures(*scores.reshape(2, -1))
        found.append(
            Likelihood(
                backend=choice.cell.backend, mode=choice.cell.mode,
                first=pairs.names[0], second=pairs.names[1], pairs=len(pairs.first),
                gap=gap, likelier=likelier,
                unequal=sum(len(a) != len(b) for a, b in zip(*sides, strict=True)),
                unknown=_unknown(tokenizer, sides),
                truth=pairs.truth,
            )
        )  # fmt: skip
    if not found:
        whys = "; ".join(f"{label}: {why}" for label, why in missing.items())
        raise UserError(f"no backend of '{folder.path}' can tell: {whys}")
    if json:
        print(json_module.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        _print(found)
        for sentence in _words(found[0]):
            say(sentence)
    tell_missing(missing, json)
    return not missing


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Of a text as a line of its own: its first word comes after a line end."""
    return [int(one) for one in tokenizer.encode(f"\n{text}\n")]


def _log_likelihoods(
    header: Header, choice: Choice, weights: Weights, texts: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """log P of every id of a text after its first, in nats, (texts,); what stands to the right of a
    shorter one is seen by none of its ids. Raises CellEnded where the backend cannot answer."""
    from compare.explain.model import answering  # no other command waits for these
    from compare.explain.variants import plain

    experiment, found = plain(header.experiment), list[float]()
    width = max(map(len, texts))
    with answering(choice, float(header.run["timeout"])) as answer:
        for first in range(0, len(texts), _ROWS):
            some = texts[first : first + _ROWS]
            ids = np.zeros((_ROWS, width), np.int32)
            for row, text in zip(ids, some, strict=False):
                row[: len(text)] = text
            logits = answer(experiment, weights, {"inputs": ids}, "")  # (rows, width, vocab)
            steps = log_softmax(logits[: len(some), :-1])
            scores = np.take_along_axis(steps, ids[: len(some), 1:, None], -1)[..., 0]
            found += [float(s[: len(t) - 1].sum()) for s, t in zip(scores, some, strict=True)]
    return np.array(found)


def _unknown(tokenizer: Tokenizer, sides: Sequence[Sequence[Sequence[int]]]) -> int:
    if UNKNOWN not in tokenizer.tokens:
        return 0
    unknown = tokenizer.id_of(UNKNOWN)
    return sum(unknown in a or unknown in b for a, b in zip(*sides, strict=True))


def _print(found: Sequence[Likelihood]) -> None:
    rows = [
        [f"{one.backend}:{one.mode}", estimate(one.gap, "{:.3f}"), estimate(one.likelier, "{:.3f}")]
        for one in found
    ]
    if found[0].truth is not None:
        rows.insert(0, ["a model that is right", f"{found[0].truth:.3f}", NOTHING])
    titles = ["backend", "log P, difference", f"'{found[0].first}' is likelier"]
    print_fitting(titles, rows, [""] * len(rows))


def _words(one: Likelihood) -> Iterator[str]:
    yield (
        f"Of {one.pairs:,} pairs, the mean of log P({one.first}) less log P({one.second}) in nats,"
        " each text scored whole as a line; 95% intervals over pairs."
    )
    if one.truth is None:
        yield (
            "A model that is right has the log-ratio of both groups' shares in its corpus: with"
            " equal shares 0. It knows no stereotypes that its corpus has not."
        )
    else:
        yield (
            f"A model that is right finds {one.truth:.3f}, the log-ratio of both groups' numbers in"
            " its corpus. One that has not learnt which words go together counts a group once for"
            " each of its words, and finds more."
        )
    if one.unequal:
        yield f"note: {one.unequal:,} pairs are not of equal length: a longer text is less likely."
    if one.unknown:
        yield f"note: {one.unknown:,} pairs have a word that is not in the vocabulary."
