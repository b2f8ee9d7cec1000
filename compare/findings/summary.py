"""From a run's records to what every report shows: a pure function of what was stored."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from compare.findings import contention, speed
from compare.findings.cell_summary import CellSummary, Pace, estimate_of, row_of
from compare.findings.cells import Cell
from compare.findings.doubts import doubts
from compare.findings.gate import hold
from compare.findings.note import Found, Note
from compare.findings.notes import notes_of
from compare.findings.speed import Comparison
from compare.meters import cost
from compare.records.groups import Groups
from compare.records.record_types import (
    AnyRecord,
    Built,
    Evaluated,
    Header,
    Multiplied,
    Probed,
    Resumed,
    current,
    header_of,
)
from compare.records.values import CellName, Estimate, Example
from compare.spec.experiment import Experiment


class Progress(BaseModel):
    """How far a run is that is still played. `step`: of the training that every backend has done;
    `seconds` since it began, or was taken up again; `budget_left_seconds` of a --budget."""

    step: int
    steps: int
    seconds: float
    budget_left_seconds: float | None


class Summary(BaseModel):
    """What a report shows of one run. `floor` is the loss, in nats per token, that no model
    can beat, null where it is not known; `ceilings` is the best that a model can reach in some of
    the `metrics` of the task, `best_learner` how groups fare with the best learner of labels that
    are biased on purpose. Of `outputs` decoded or classified, `echo_outputs_differing` is how
    many rounding alone changed; `echo_groups` is how groups fare with the echo, which is that of
    the cell `echo_of`; of the `examples` each cell has its samples. `comparisons` has
    every pair of cells that were timed together. `progress` is of a run that is still played, of
    which everything else is so far.

    `flops_per_step`, `expected_memory` (bytes by what they hold) and `roofline_seconds`, the least
    that a step can take on this machine, follow from the spec; `roofline` was measured."""

    model_config = ConfigDict(ser_json_inf_nan="null")

    run_id: str
    preset: str
    experiment: dict[str, Any]
    fingerprint: str
    floor: float | None
    ceilings: dict[str, float]
    best_learner: dict[str, float] = {}
    metrics: list[str]
    target: str
    cells: list[CellSummary]
    comparisons: list[Comparison]
    allowed_loss_differences: list[float | None]
    allowed_validation_difference: float | None = None
    outputs: int = 0
    examples: list[Example] = []
    echo_outputs_differing: int | None = None
    echo_of: str = ""
    echo_groups: Groups | None = None
    flops_per_step: float
    expected_memory: dict[str, int]
    roofline: dict[str, float | None]
    roofline_seconds: float | None
    price_per_hour: float | None
    environment: dict[str, Any]
    command: list[str]
    notes: list[Note]
    progress: Progress | None = None


def summarise(records: Iterable[AnyRecord], problems: Sequence[str] = ()) -> Summary:
    """The summary of a run, finished, taken up again or cut off; `problems` are what of its
    records could not be read."""
    kept = current(list(records))
    header = header_of(kept)
    cells = [Cell(name, kept) for name in header.cells]
    controls = [Cell(name.its_control(), kept) for name in header.cells]
    counted = contention.counted_of(cells, controls)
    pace, ceiling = Pace.of(cells, counted), _Ceiling(header.experiment, kept)
    rows = [row_of(cell, header, pace, ceiling.flops, ceiling.seconds) for cell in cells]
    gate = hold(cells, rows, kept, header)
    ranked = {
        cell.name: cell
        for cell, row in zip(cells, rows, strict=True)
        if row.status == "ok" and counted.timings[cell.name]
    }
    comparisons = _compare(ranked, pace, rows, header)
    for cell, row in zip(cells, rows, strict=True):
        if cell.name in ranked and cell.name.ranks > 1:
            silent = Cell(cell.name.its_silent(), kept)
            theirs = contention.counted_of([silent], []).timings[silent.name]
            mine = counted.timings[cell.name]
            row.communication_share = estimate_of(speed.communication_share(mine, theirs))
    timed = {name: counted.timings[name] for name in ranked}
    precision = speed.precision(timed, comparisons) if ranked else None
    return Summary(
        run_id=header.run_id,
        preset=header.preset,
        experiment=header.experiment.model_dump(mode="json"),
        fingerprint=header.fingerprint,
        floor=header.floor,
        ceilings=header.ceilings,
        best_learner=header.best_learner,
        metrics=header.metrics,
        target=header.run["target"],
        cells=rows,
        comparisons=comparisons,
        allowed_loss_differences=list(gate.steps),
        allowed_validation_difference=gate.validation,
        outputs=gate.outputs,
        examples=header.examples,
        echo_outputs_differing=gate.echo_outputs,
        **_echo(kept),
        flops_per_step=ceiling.flops,
        expected_memory=ceiling.memory,
        roofline=ceiling.measured,
        roofline_seconds=ceiling.seconds,
        price_per_hour=header.run.get("price_per_hour"),
        environment=_environment(header, kept, rows),
        command=header.command,
        notes=notes_of(
            Found(header, kept, cells, rows, pace, comparisons, gate, precision), problems
        ),
    )


def _echo(records: Sequence[AnyRecord]) -> dict[str, Any]:
    """What rounding alone does to groups, where that was evaluated."""
    found = [r for r in records if isinstance(r, Evaluated) and r.cell.echo and r.groups]
    if not found:
        return {}
    return {"echo_of": found[-1].cell.its_row().label, "echo_groups": found[-1].groups}


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
            # NumPy's product is not the fastest on every processor: the roof is the best of all.
            on_host = {r.cell for r in records if isinstance(r, Built) and r.device == "cpu"}
            own = [r for r in records if isinstance(r, Multiplied) and r.cell in on_host]
            rates = (probed[-1].flops_per_second, *(r.flops_per_second for r in own))
            products = [rate for rate in rates if rate]
            peak, bandwidth = max(products, default=None), probed[-1].bytes_per_second
            self.measured = {"flops_per_second": peak, "bytes_per_second": bandwidth}
            # Of CPUs: it is no roof for what another device computes.
            elsewhere = not on_host and any(isinstance(record, Built) for record in records)
            if peak and bandwidth and experiment.train.dtype == "fp32" and not elsewhere:
                self.seconds = cost.roofline_seconds(operations, peak, bandwidth)


def _compare(
    ranked: Mapping[CellName, Cell], pace: Pace, rows: Sequence[CellSummary], header: Header
) -> list[Comparison]:
    """Every pair of cells; each row gets its ratio to the fastest and to itself."""
    timings = pace.counted.timings
    timed = {name: timings[name] for name in ranked}
    played = {name: timings[name.its_control()] for name in timed if timings[name.its_control()]}
    why = doubts(ranked, pace.counted, header.preset)
    comparisons = speed.compare_all(timed, played, why, pace.rates)
    for name, row in zip(header.cells, rows, strict=True):
        if name in played:
            row.ratio_to_itself = estimate_of(speed.against_itself(timed[name], played[name]))
        row.scaling_efficiency = estimate_of(speed.scaling_efficiency(name, timed, pace.rates))
        row.ratio_to_fastest = _to_fastest(name, ranked, pace.rates, comparisons)
    return comparisons


def _to_fastest(
    cell: CellName,
    ranked: Iterable[CellName],
    rates: speed.Rates,
    comparisons: Sequence[Comparison],
) -> Estimate | None:
    """The ratio of two rates, with the interval of their own pairs where they have any; None where
    nothing leads from one to the other."""
    among = rates.largest_group(ranked)
    if cell not in among or len(among) == 1 < len(rates.logs):
        return None
    fastest = max(among, key=rates.logs.__getitem__)
    if cell == fastest:
        return Estimate(value=1.0, low=1.0, high=1.0)
    pair = (fastest.label, cell.label)
    found = [c.ratio for c in comparisons if (c.first, c.second) == pair]
    if found:
        return found[0].inverse()
    return Estimate(value=math.exp(rates.apart(cell, fastest)), low=None, high=None)


def _environment(
    header: Header, records: Sequence[AnyRecord], rows: Sequence[CellSummary]
) -> dict[str, Any]:
    begun: list[Header | Resumed] = [header, *(r for r in records if isinstance(r, Resumed))]
    last = begun[-1]
    hosts = {str(one.machine["host"]) for one in begun if "host" in one.machine}
    return {
        **last.machine,
        # One that was gone on with elsewhere is of neither machine alone.
        **({"host": " and ".join(sorted(hosts))} if hosts else {}),
        "threads": header.run["threads"],
        "started": header.started.isoformat(timespec="seconds"),
        "suite_version": header.suite_version,
        "commit": header.commit,
        "versions": {k: v for row in rows for k, v in row.versions.items()},
        "variables": last.environment,
    }
