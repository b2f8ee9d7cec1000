"""From a run's records to what every report shows: a pure function of what was stored."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from compare.findings import parity, speed
from compare.findings.cells import Cell, cost_of, rate_of
from compare.findings.notes import notes_of
from compare.findings.speed import Comparison
from compare.findings.time_to_target import Target
from compare.meters import cost
from compare.records.record_types import (
    AnyRecord,
    CellRecord,
    Echoed,
    Header,
    Probed,
    Resumed,
    Status,
    current,
    header_of,
)
from compare.records.values import CellName, Estimate
from compare.spec.experiment import Experiment


class CellSummary(BaseModel):
    """One row: a backend in a mode. Seconds, bytes and nats; null is what was not measured.

    `losses` and `loss_differences`, the largest relative one to another backend, are of every
    step; `window_step_seconds` is the mean step of each timed window, in the order of execution.
    """

    # A loss that is not finite becomes null: JSON has no NaN.
    model_config = ConfigDict(ser_json_inf_nan="null")

    backend: str
    mode: str
    status: Status
    reason: str = ""
    device: str | None = None
    losses: list[float | None] = []
    loss_differences: list[float | None] = []
    validation_loss: float | None = None
    perplexity: float | None = None
    quality: dict[str, Estimate] = {}
    seconds_to_target: float | None = None
    tokens_per_second: Estimate | None = None
    ratio_to_fastest: Estimate | None = None
    ratio_to_itself: Estimate | None = None
    step_seconds: float | None = None
    phases: dict[str, float] = {}
    flops_per_second: float | None = None
    roofline_share: float | None = None
    peak_memory_bytes: int | None = None
    process_peak_memory_bytes: int | None = None
    idle_memory_bytes: int | None = None
    device_peak_memory_bytes: int | None = None
    planned_memory_bytes: int | None = None
    compiler_flops: float | None = None
    cores_used: float | None = None
    busy_threads: int | None = None
    steal_share: float | None = None
    involuntary_switches_per_second: float | None = None
    mhz: float | None = None
    joules_per_step: float | None = None
    cost_per_million_tokens: float | None = None
    harness_share: float | None = None
    window_step_seconds: list[float] = []
    timed_windows: int = 0
    noisy_windows: list[int] = []
    steady: bool | None = None
    drift: Estimate | None = None
    max_loss_difference: float | None = None
    parameters: int
    versions: dict[str, str] = {}
    libraries: list[str] = []
    log_tail: str = ""

    @property
    def label(self) -> str:
        return f"{self.backend}:{self.mode}"


class Summary(BaseModel):
    """What a report shows of one run. `floor` is the loss, in nats per token, that no model
    can beat, null where it is not known; `ceilings` is the best that a model can reach in some of
    the `metrics` of the task. `comparisons` has every pair of cells that were timed together.

    `flops_per_step`, `expected_memory` (bytes by what they hold) and `roofline_seconds`, the least
    that a step can take on this machine, follow from the spec; `roofline` was measured."""

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
    comparisons: list[Comparison]
    allowed_loss_differences: list[float | None]
    flops_per_step: float
    expected_memory: dict[str, int]
    roofline: dict[str, float | None]
    roofline_seconds: float | None
    price_per_hour: float | None
    environment: dict[str, Any]
    command: list[str]
    notes: list[str]


def summarise(records: Iterable[AnyRecord]) -> Summary:
    """The summary of a run, finished, taken up again or cut off."""
    kept = current(list(records))
    header = header_of(kept)
    cells = [Cell(name, kept) for name in header.cells]
    ceiling = _Ceiling(header.experiment, kept)
    rows = [_row(cell, header, ceiling) for cell in cells]
    gate = _gate(cells, rows, kept, header)
    passed = {cell.name for cell, row in zip(cells, rows, strict=True) if row.status == "ok"}
    controls = {name: Cell(name.its_control(), kept).timings for name in header.cells}
    ranked = {cell.name: cell.timings for cell in cells if cell.name in passed and cell.timings}
    comparisons = _compare(ranked, controls, rows)
    precision = speed.precision(ranked, comparisons) if ranked else None
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
        comparisons=comparisons,
        allowed_loss_differences=list(gate.allowed),
        flops_per_step=ceiling.flops,
        expected_memory=ceiling.memory,
        roofline=ceiling.measured,
        roofline_seconds=ceiling.seconds,
        price_per_hour=header.run.get("price_per_hour"),
        environment=_environment(header, kept, rows),
        command=header.command,
        notes=[*notes_of(cells, precision, kept, header), *_of_roofline(rows)],
    )


class _Ceiling:
    """What the spec says that a step costs, and the least that it can take on this machine."""

    def __init__(self, experiment: Experiment, records: Sequence[AnyRecord]) -> None:
        operations = cost.operations(experiment)
        self.flops = math.fsum(operation.flops for operation in operations)
        memory = cost.expected_memory(experiment)
        self.memory = {**memory._asdict(), "total": memory.total}
        probed = [record for record in records if isinstance(record, Probed)]
        self.measured: dict[str, float | None] = {}
        self.seconds: float | None = None
        if probed:
            peak, bandwidth = probed[-1].flops_per_second, probed[-1].bytes_per_second
            self.measured = {"flops_per_second": peak, "bytes_per_second": bandwidth}
            if peak and bandwidth and experiment.train.precision == "fp32":
                self.seconds = cost.roofline_seconds(operations, peak, bandwidth)


def _row(cell: Cell, header: Header, ceiling: _Ceiling) -> CellSummary:
    end, steady = cell.end(), cell.steadiness()
    rate, step = rate_of(cell), cell.step_seconds()
    evaluated = cell.evaluated(header.experiment.train.steps)
    loss = evaluated.loss if evaluated else None
    target = Target.read(header.run["target"], header.metrics)
    shapes = [p.shape for p in header.experiment.model.parameters().values()]
    on_host = cell.built is not None and cell.built.device == "cpu"
    return CellSummary(
        backend=cell.name.backend,
        mode=cell.name.mode,
        status=end.status,
        reason=end.reason,
        device=cell.built.device if cell.built else None,
        losses=list(cell.losses()),
        validation_loss=loss,
        perplexity=math.exp(min(loss, 700.0)) if loss is not None else None,
        quality=evaluated.quality if evaluated else {},
        seconds_to_target=cell.seconds_to(target),
        tokens_per_second=rate and Estimate.of(rate),
        step_seconds=step,
        phases=cell.phases(),
        flops_per_second=ceiling.flops / step if step else None,
        roofline_share=ceiling.seconds / step if step and ceiling.seconds and on_host else None,
        peak_memory_bytes=cell.peak_bytes(),
        process_peak_memory_bytes=cell.process_peak_bytes(),
        idle_memory_bytes=cell.opened.memory_bytes if cell.opened else None,
        device_peak_memory_bytes=cell.device_peak_bytes(),
        planned_memory_bytes=cell.planned.memory_bytes if cell.planned else None,
        compiler_flops=cell.planned.flops if cell.planned else None,
        cores_used=cell.cores_used(),
        busy_threads=cell.busy_threads(),
        steal_share=cell.steal_share(),
        involuntary_switches_per_second=cell.switches_per_second(),
        mhz=cell.mhz(),
        joules_per_step=cell.joules_per_step(),
        cost_per_million_tokens=cost_of(cell, header.run.get("price_per_hour")),
        harness_share=cell.harness_share(),
        window_step_seconds=cell.window_step_seconds(),
        timed_windows=len(cell.timings),
        noisy_windows=list(steady.noisy),
        steady=steady.steady if steady.drift else None,
        drift=steady.drift and Estimate.of(steady.drift),
        parameters=sum(math.prod(shape) for shape in shapes),
        versions=cell.opened.versions if cell.opened else {},
        libraries=cell.opened.libraries if cell.opened else [],
        log_tail=end.log_tail,
    )


def _gate(
    cells: Sequence[Cell],
    rows: Sequence[CellSummary],
    records: Sequence[AnyRecord],
    header: Header,
) -> parity.Verdict:
    """Mark rows outside the parity gate."""
    experiment = header.experiment
    curves = {cell.name: cell.losses() for cell in cells if cell.losses()}
    echoes = {r.cell for r in records if isinstance(r, CellRecord) and r.cell.echo}
    for echo in echoes:  # one, at most
        curves[echo] = Cell(echo, records).losses()
    again = [record.losses for record in records if isinstance(record, Echoed)]
    precision, comparable = experiment.train.precision, experiment.losses_are_comparable()
    verdict = parity.judge(curves, header.oracles, precision, comparable, again)
    for cell, row in zip(cells, rows, strict=True):
        row.max_loss_difference = verdict.worst(cell.name)
        row.loss_differences = list(verdict.differences.get(cell.name, ()))
        if cell.name in verdict.reasons and row.status == "ok":
            row.status = "parity_failed"
            row.reason = verdict.reasons[cell.name]
    return verdict


def _compare(
    timed: Mapping[CellName, speed.Windows],
    controls: Mapping[CellName, speed.Windows],
    rows: list[CellSummary],
) -> list[Comparison]:
    """Every pair of cells; each row gets its ratio to the fastest and to itself."""
    played = {name: controls[name] for name in timed if controls[name]}
    comparisons = speed.compare_all(timed, played)
    ratios = {(c.first, c.second): c.ratio for c in comparisons}
    ratios |= {(c.second, c.first): _inverse(c.ratio) for c in comparisons}
    fastest = _fastest(timed, comparisons)
    for row in rows:
        name = CellName(backend=row.backend, mode=row.mode)
        if name in played:
            itself = speed.against_itself(timed[name], played[name])
            row.ratio_to_itself = itself and Estimate.of(itself)
        if row.label == fastest:
            row.ratio_to_fastest = Estimate(value=1.0, low=1.0, high=1.0)
        elif found := ratios.get((row.label, fastest)):
            row.ratio_to_fastest = found
    return comparisons


def _fastest(cells: Iterable[CellName], comparisons: Sequence[Comparison]) -> str:
    """The label of the cell that was faster in the most pairs: in all of its own, unless a
    resumption left pairs that share no window."""
    firsts = Counter(one.first for one in comparisons)
    return max((cell.label for cell in cells), key=firsts.__getitem__, default="")


def _of_roofline(rows: Sequence[CellSummary]) -> list[str]:
    above = [row.label for row in rows if row.roofline_share and row.roofline_share > 1]
    if not above:
        return []
    return [
        f"{', '.join(above)} did better than the roof that was measured: something else ran"
        " while it was; run again for shares that can be trusted"
    ]


def _inverse(found: Estimate) -> Estimate:
    low, high = found.low, found.high
    return Estimate(
        value=1 / found.value, low=1 / high if high else None, high=1 / low if low else None
    )


def _environment(
    header: Header, records: Sequence[AnyRecord], rows: Sequence[CellSummary]
) -> dict[str, Any]:
    last = next((r for r in reversed(records) if isinstance(r, Resumed)), header)
    return {
        **last.machine,
        "threads": header.run["threads"],
        "started": header.started.isoformat(timespec="seconds"),
        "versions": {k: v for row in rows for k, v in row.versions.items()},
        "variables": last.environment,
    }
