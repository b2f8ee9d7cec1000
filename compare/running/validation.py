"""Evaluation of a cell while it trains and at its end: loss, outputs, their quality, the target."""

import json
from collections.abc import Callable
from typing import Any

from compare.findings.time_to_target import Target
from compare.planning.plan import Plan
from compare.records.record_types import Evaluated
from compare.records.run_folder import RunFolder
from compare.records.values import CellName, Estimate

LOOKS = 20
"""How often a run looks whether its target is reached, unless it is told."""

RESAMPLES = 1000
"""Of the bootstrap intervals of a final evaluation."""

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

    def look(self, cell: CellName, number: int, step: int, ask: Ask) -> Evaluated:
        """What the target needs to know in the middle of training."""
        assert self.target is not None
        outputs = self._outputs(cell, ask) if self.target.metric != "loss" else []
        return self._evaluated(cell, number, step, ask, outputs, resamples=0)

    def finish(self, cell: CellName, number: int, ask: Ask, keep: bool) -> Evaluated:
        """Everything, at the end; with `keep` the outputs are kept in the run folder."""
        outputs = self._outputs(cell, ask)
        if outputs and keep:
            self._keep(cell, outputs)
        step = self.plan.experiment.train.steps
        return self._evaluated(cell, number, step, ask, outputs, RESAMPLES)

    def _evaluated(
        self, cell: CellName, number: int, step: int, ask: Ask, outputs: list[Any], resamples: int
    ) -> Evaluated:
        answer = ask("evaluate")
        quality = {}
        if outputs:
            wanted = [example.wanted for example in self.plan.prepared.examples]
            found = self.plan.task.quality(wanted, outputs, resamples)
            quality = {name: Estimate.of(score) for name, score in found.items()}
        return Evaluated(cell=cell, round=number, step=step, quality=quality, **answer)

    def _outputs(self, cell: CellName, ask: Ask) -> list[Any]:
        """The cell's output for every example, text where it is text."""
        prepared = self.plan.prepared
        if not prepared.examples:
            return []
        first = ask("outputs", index=0)
        found, batches = first["outputs"], first["batches"]
        for index in range(1, batches):
            self.watch(cell, index, batches)
            found += ask("outputs", index=index)["outputs"]
        if prepared.decoding is None:
            return list(found)
        assert prepared.tokenizer is not None
        return [prepared.tokenizer.decode(ids) for ids in found]

    def _keep(self, cell: CellName, outputs: list[Any]) -> None:
        path = self.folder.outputs(cell)
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for (text, wanted), output in zip(self.plan.prepared.examples, outputs, strict=True):
                line = {"input": text, "wanted": wanted, "output": output}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
