"""Evaluation of a cell while it trains and at its end: loss, outputs, their quality, the target."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compare.contracts.task import Quality, class_names
from compare.errors import one_line, writing
from compare.fairness.groups import Judged, groups_of
from compare.findings.time_to_target import Target
from compare.planning.plan import Plan
from compare.records.groups import Groups
from compare.records.record_types import Evaluated
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, Estimate, Example
from compare.stats.resampling import RESAMPLES

MOST_SAMPLES = 5
"""So many outputs are recorded, to be read beside each other."""
_MOST_CHARACTERS = 1000  # of one of them

LOOKS = 20
"""How often a run looks whether its target is reached, unless it is told."""

Ask = Callable[..., dict[str, Any]]
"""`ask("outputs", index=3)`: one worker's answer"""
Watch = Callable[[CellName, int, int], None]
"""Told how many of how many validation batches a cell's outputs are there of."""


class Evaluator:
    """Evaluates the cells of one plan."""

    def __init__(self, plan: Plan, folder: RunFolder, watch: Watch) -> None:
        self.plan, self.folder, self.watch = plan, folder, watch
        self.target = Target.read(plan.run.target, plan.task.metrics)
        steps = plan.experiment.train.steps
        every = plan.run.target_every or max(1, steps // LOOKS)
        self.every = every if self.target else None

    def due(self, before: int, step: int) -> bool:
        """Whether to look for the target, having trained from `before` to `step` steps."""
        last = step == self.plan.experiment.train.steps
        return self.every is not None and not last and before // self.every < step // self.every

    def examples(self) -> list[Example]:
        """The first ones, where outputs are texts."""
        if self.plan.prepared.decoding is None:
            return []
        first = self.plan.prepared.examples[:MOST_SAMPLES]
        return [Example(text=_cut(one.text), wanted=_cut(str(one.wanted))) for one in first]

    def look(self, cell: CellName, number: int, step: int, ask: Ask) -> Evaluated:
        """What the target needs to know in the middle of training."""
        assert self.target is not None
        outputs = self._outputs(cell, ask) if self.target.metric != "loss" else []
        found = self._evaluated(cell, number, step, ask, outputs, resamples=0)
        if not self.plan.run.save_weights:
            return found
        return found.model_copy(update={"weight_norms": ask("weight_norms")["norms"]})

    def finish(self, cell: CellName, number: int, ask: Ask, keep: bool) -> Evaluated:
        """Everything, at the end; with `keep` the outputs are kept in the run folder."""
        outputs = self._outputs(cell, ask)
        if outputs and keep:
            self._keep(cell, outputs)
        step = self.plan.experiment.train.steps
        return self._evaluated(cell, number, step, ask, outputs, RESAMPLES)

    def of_echo(self, cell: CellName, number: int, ask: Ask) -> Evaluated:
        """What rounding alone does to the loss and the outputs, of which no metric is told."""
        outputs, step = self._outputs(cell, ask), self.plan.experiment.train.steps
        return Evaluated(
            cell=cell,
            round=number,
            step=step,
            outputs=hashes_of(outputs),
            groups=self._groups(outputs, ask) if outputs else None,
            **ask("evaluate"),
        )

    def _evaluated(
        self, cell: CellName, number: int, step: int, ask: Ask, outputs: list[Any], resamples: int
    ) -> Evaluated:
        answer = ask("evaluate")
        found = self._judged(outputs, resamples) if outputs else {}
        given = {name: score for name, score in found.items() if not isinstance(score, str)}
        return Evaluated(
            cell=cell,
            round=number,
            step=step,
            quality={name: Estimate.of(score) for name, score in given.items()},
            unscored={name: reason for name, reason in found.items() if isinstance(reason, str)},
            outputs=hashes_of(outputs) if resamples else [],
            samples=[_cut(text) for text in outputs[:MOST_SAMPLES] if isinstance(text, str)]
            if resamples
            else [],
            groups=self._groups(outputs, ask) if resamples and outputs else None,
            **answer,
        )

    def _groups(self, outputs: list[Any], ask: Ask) -> Groups | None:
        """How the groups fare that texts speak of, where the task tells."""
        prepared = self.plan.prepared
        names = np.array([example.group for example in prepared.examples])
        odds = np.array(outputs, np.float64) if any(names) and not prepared.decoding else None
        if odds is None or not np.isfinite(odds).all():  # one that diverged treats nobody anyhow
            return None
        wanted = np.array([example.wanted for example in prepared.examples])
        positive, twins, counted = prepared.positive, None, None
        if len(prepared.twins):
            answers = np.array(self._all_outputs(ask, "twins"), np.float64)
            twins = Judged.of(wanted, answers, positive, names)
            counted = np.array(prepared.twins, bool)
        judged = Judged.of(wanted, odds, positive, names)
        name = class_names(self.plan.experiment.data, odds.shape[-1])[positive]
        right = (odds.argmax(-1) == np.array(prepared.biased)) if prepared.biased else None
        by_bias = None if right is None else right.astype(np.float64)
        return groups_of(judged, twins, counted, name, RESAMPLES, by_bias)

    def _judged(self, outputs: list[Any], resamples: int) -> Quality:
        """What the task makes of the outputs. What was trained and measured is not to be lost to
        a metric, so one that fails is told like one that is not defined."""
        prepared, task = self.plan.prepared, self.plan.task
        wanted = [example.wanted for example in prepared.examples]
        try:
            return (prepared.quality or task.quality)(wanted, outputs, resamples)
        except Exception as error:  # it is a plug-in's code: anything can be
            return dict.fromkeys(task.metrics, one_line(error))

    def _outputs(self, cell: CellName, ask: Ask) -> list[Any]:
        """The cell's output for every example, text where it is text."""
        prepared = self.plan.prepared
        if not prepared.examples:
            return []
        found = self._all_outputs(ask, "validation", cell)
        if prepared.decoding is None:
            return found
        assert prepared.tokenizer is not None
        return [prepared.tokenizer.decode(ids) for ids in found]

    def _all_outputs(self, ask: Ask, split: str, cell: CellName | None = None) -> list[Any]:
        """Of every batch of a split; that of a cell is shown as it comes."""
        found, index, batches = list[Any](), 0, 1
        while index < batches:
            answer = ask("outputs", index=index, split=split)
            found, index, batches = found + answer["outputs"], index + 1, answer["batches"]
            if cell:
                self.watch(cell, index, batches)
        return found

    def _keep(self, cell: CellName, outputs: list[Any]) -> None:
        path = self.folder.outputs(cell)
        path.parent.mkdir(exist_ok=True)
        with writing(path), path.open("w", encoding="utf-8") as file:
            for example, output in zip(self.plan.prepared.examples, outputs, strict=True):
                line = {"input": example.text, "wanted": example.wanted, "output": output}
                if example.group:
                    line["group"] = example.group
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"


def hashes_of(outputs: Sequence[Any]) -> list[str]:
    """Eight hexadecimal digits for each output, by which two backends' can be told apart: of a
    text, or of the class with the highest probability."""
    keys = [one if isinstance(one, str) else str(int(np.argmax(one))) for one in outputs]
    return [hashlib.sha256(key.encode()).hexdigest()[:8] for key in keys]
