"""From a run's records to what every report shows: a pure function of what was stored."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ConfigDict

from compare import parity, stats
from compare.results import (
    AnyRecord,
    Built,
    CellName,
    Ended,
    Estimate,
    Evaluated,
    Header,
    Opened,
    Status,
    Window,
    header_of,
)
from compare.target import Target

_SHORT_WINDOW_SECONDS = 0.5
_ROUNDS_FOR_INTERVALS = 5


class CellSummary(BaseModel):
    """One row: a backend in a mode. Seconds, bytes and nats; null is what was not measured."""

    # A loss that is not finite becomes null: JSON has no NaN.
    model_config = ConfigDict(ser_json_inf_nan="null")

    backend: str
    mode: str
    status: Status
    reason: str = ""
    device: str | None = None
    losses: list[float] = []
    validation_loss: float | None = None
    perplexity: float | None = None
    quality: dict[str, Estimate] = {}
    seconds_to_target: float | None = None
    tokens_per_second: Estimate | None = None
    ratio_to_fastest: Estimate | None = None
    step_seconds: float | None = None
    compile_seconds: float | None = None
    import_seconds: float | None = None
    build_seconds: float | None = None
    peak_memory_bytes: int | None = None
    idle_memory_bytes: int | None = None
    device_peak_memory_bytes: int | None = None
    max_loss_difference: float | None = None
    parameters: int
    versions: dict[str, str] = {}
    log_tail: str = ""


class Summary(BaseModel):
    """What a report shows of one run. `floor` is the loss, in nats per token, that no model
    can beat, null where it is not known; `ceilings` is the best that a model can reach in some of
    the `metrics` of the task."""

    model_config = ConfigDict(ser_json_inf_nan="null")

    run_id: str
    preset: str
    experiment: dict[str, Any]
    fingerprint: str
    floor: float | None
    ceilings: dict[str, float]
    metrics: list[str]
    target: str
    cells: list[CellSummary]
    environment: dict[str, Any]
    command: list[str]
    notes: list[str]


class _Cell:
    """The records of one cell, and what follows from them alone."""

    def __init__(self, name: CellName, records: Sequence[AnyRecord]) -> None:
        mine = [r for r in records if not isinstance(r, Header) and r.cell == name]
        self.name = name
        self.opened = next((r for r in mine if isinstance(r, Opened)), None)
        self.built = next((r for r in mine if isinstance(r, Built)), None)
        self.windows = [r for r in mine if isinstance(r, Window)]
        self.evaluations = [r for r in mine if isinstance(r, Evaluated) and r.round == 1]
        self.ends = [r for r in mine if isinstance(r, Ended)]
        self.steady = [w for w in self.windows if w.role == "steady"]

    def losses(self) -> list[float]:
        """The training loss of every step of the first round."""
        return [x for w in self.windows if w.round == 1 for x in w.losses]

    def end(self) -> Ended:
        """The worst end over all rounds; a cell without one was cut off."""
        worst = [r for r in self.ends if r.status != "ok"]
        if worst:
            return worst[0]
        if self.ends:
            return self.ends[0]
        return Ended(cell=self.name, round=1, status="interrupted", reason="the run was cut off")

    def evaluated(self, steps: int) -> Evaluated | None:
        """The evaluation after the last of `steps`."""
        return next((r for r in self.evaluations if r.step == steps), None)

    def seconds_to(self, target: Target | None) -> float | None:
        """Training time, compilation included and evaluation not, until an evaluation reached
        the target; of the first round, and no finer than its windows."""
        reached = [r.step for r in self.evaluations if target and target.reached(r)]
        if not reached:
            return None
        before = [w for w in self.windows if w.round == 1 and w.first_step < min(reached)]
        return sum(w.lead_seconds + w.seconds for w in before)

    def step_seconds(self) -> float | None:
        steps = sum(w.timed_steps for w in self.steady)
        return sum(w.seconds for w in self.steady) / steps if steps else None

    def compile_seconds(self) -> float | None:
        """What the steps before the steady ones took beyond the pace of steady ones: tracing,
        compiling, and growing into memory. Of the first round."""
        early = [w for w in self.windows if w.role != "steady" and w.round == 1]
        if not early:
            return None
        spent = sum(w.lead_seconds + w.seconds for w in early)
        return max(0.0, spent - sum(len(w.losses) for w in early) * (self.step_seconds() or 0.0))

    def timings(self, indices: set[tuple[int, int]], rounds: int) -> list[stats.Timing]:
        """Steady windows at these (round, index); whole rounds where there are five or more."""
        chosen = [w for w in self.steady if (w.round, w.index) in indices]
        if rounds < _ROUNDS_FOR_INTERVALS:
            return [stats.Timing(w.tokens, w.seconds) for w in chosen]
        return [
            stats.Timing(sum(w.tokens for w in group), sum(w.seconds for w in group))
            for group in (list(g) for _, g in groupby(chosen, key=lambda w: w.round))
        ]

    def indices(self) -> set[tuple[int, int]]:
        return {(w.round, w.index) for w in self.steady}


def summarise(records: Iterable[AnyRecord]) -> Summary:
    """The summary of a run, finished or cut off."""
    records = list(records)
    header = header_of(records)
    cells = [_Cell(name, records) for name in header.cells]
    rows = [_row(cell, header) for cell in cells]
    passed = _gate(cells, rows, records, header)
    _rank([cell for cell in cells if cell.name in passed], rows, header)
    return Summary(
        run_id=header.run_id,
        preset=header.preset,
        experiment=header.experiment.model_dump(mode="json"),
        fingerprint=header.fingerprint,
        floor=header.floor,
        ceilings=header.ceilings,
        metrics=header.metrics,
        target=header.run["target"],
        cells=rows,
        environment={
            **header.machine,
            "threads": header.run["threads"],
            "started": header.started.isoformat(timespec="seconds"),
            "versions": {k: v for row in rows for k, v in row.versions.items()},
            "variables": header.environment,
        },
        command=header.command,
        notes=_notes(cells, records, header),
    )


def _row(cell: _Cell, header: Header) -> CellSummary:
    end = cell.end()
    rate = stats.throughput(cell.timings(cell.indices(), header.run["rounds"]))
    evaluated = cell.evaluated(header.experiment.train.steps)
    loss = evaluated.loss if evaluated else None
    target = Target.read(header.run["target"], header.metrics)
    peaks = [w.peak_bytes for w in cell.steady or cell.windows]
    device_peaks = [w.device_peak_bytes for w in cell.windows if w.device_peak_bytes]
    shapes = [p.shape for p in header.experiment.model.parameters().values()]
    return CellSummary(
        backend=cell.name.backend,
        mode=cell.name.mode,
        status=end.status,
        reason=end.reason,
        device=cell.built.device if cell.built else None,
        losses=cell.losses(),
        validation_loss=loss,
        perplexity=math.exp(min(loss, 700.0)) if loss is not None else None,
        quality=evaluated.quality if evaluated else {},
        seconds_to_target=cell.seconds_to(target),
        tokens_per_second=_estimate(rate),
        step_seconds=cell.step_seconds(),
        compile_seconds=cell.compile_seconds(),
        import_seconds=cell.opened.seconds if cell.opened else None,
        build_seconds=cell.built.seconds if cell.built else None,
        peak_memory_bytes=max(peaks, default=None),
        idle_memory_bytes=cell.opened.memory_bytes if cell.opened else None,
        device_peak_memory_bytes=max(device_peaks, default=None),
        parameters=sum(math.prod(shape) for shape in shapes),
        versions=cell.opened.versions if cell.opened else {},
        log_tail=end.log_tail,
    )


def _gate(
    cells: Sequence[_Cell],
    rows: Sequence[CellSummary],
    records: Sequence[AnyRecord],
    header: Header,
) -> set[CellName]:
    """Mark rows outside the parity gate; the cells that may be ranked."""
    curves = {cell.name: cell.losses() for cell in cells if cell.losses()}
    for record in records:
        if not isinstance(record, Header) and record.cell.echo:
            curves[record.cell] = _Cell(record.cell, records).losses()
            break
    experiment = header.experiment
    verdict = parity.judge(
        curves, header.oracles, experiment.train.precision, experiment.losses_are_comparable()
    )
    for cell, row in zip(cells, rows, strict=True):
        row.max_loss_difference = verdict.worst.get(cell.name)
        if cell.name in verdict.reasons and row.status == "ok":
            row.status = "parity_failed"
            row.reason = verdict.reasons[cell.name]
    return {cell.name for cell, row in zip(cells, rows, strict=True) if row.status == "ok"}


def _rank(cells: Sequence[_Cell], rows: Sequence[CellSummary], header: Header) -> None:
    """Fill in each passing row's speed relative to the fastest, over windows both played."""
    timed = [cell for cell in cells if cell.steady]
    if not timed:
        return
    rounds = header.run["rounds"]
    shared = set.intersection(*(cell.indices() for cell in timed))
    if not shared:
        return
    fastest = max(timed, key=lambda cell: stats.geometric_rate(cell.timings(shared, rounds)))
    best = fastest.timings(shared, rounds)
    for cell in timed:
        found = stats.ratio(cell.timings(shared, rounds), best)
        for row in rows:
            if (row.backend, row.mode) == (cell.name.backend, cell.name.mode):
                row.ratio_to_fastest = _estimate(found)


def _notes(cells: Sequence[_Cell], records: Sequence[AnyRecord], header: Header) -> list[str]:
    """What a reader should know before trusting the figures, with the remedy."""
    notes = []
    if not header.experiment.losses_are_comparable():
        notes.append(
            "native dropout: each framework drew masks of its own, so losses are not compared;"
            " --set train.dropout_masks=core draws the same for all"
        )
    seconds = [w.seconds for cell in cells for w in cell.steady]
    if seconds and min(seconds) < _SHORT_WINDOW_SECONDS:
        notes.append(
            f"the shortest timed window lasted {min(seconds):.3g} s: too short for rates to be"
            " trusted; take more --steps or a larger model"
        )
    if any(cell.windows for cell in cells) and not seconds:
        notes.append("too few steps to time: take more --steps for a throughput")
    for end in records:
        if isinstance(end, Ended) and end.cell.echo and end.status == "failed":
            notes.append(f"the echo failed, so the parity gate is narrower: {end.reason}")
    return notes


def _estimate(interval: stats.Interval | None) -> Estimate | None:
    return Estimate(**interval._asdict()) if interval else None
