"""One row of the table: a backend in a mode, with every figure that is known of it."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from compare.findings import doubts, speed
from compare.findings.cells import Cell
from compare.findings.contention import Counted, mean_cpus_of_others
from compare.findings.time_to_target import Target
from compare.meters.wire import gradient_bytes, least_bytes
from compare.records.groups import Groups
from compare.records.record_types import Header, Status
from compare.records.values import Estimate, labelled
from compare.stats import intervals


class CellSummary(BaseModel):
    """One row: a backend in a mode. Seconds, bytes and nats; null is what was not measured.

    `losses` and `loss_differences`, the largest relative one to another backend, are of every
    step; `loss_difference_share` is the largest of these, and of that of the validation loss, over
    what rounding allows there. `outputs_differing` is of the outputs over the validation split.
    `bits_per_byte` is of the original validation text, null where that is not known.

    `tokens_per_second` is what ratios and steps follow from: the geometric mean of the windows that
    count. `total_tokens_per_second` is of all timed tokens and seconds. `doubt` is why this rate
    cannot be relied on, empty where it can. `window_step_seconds` is the mean step of each timed
    window, in the order of execution, and `window_places` the round and index of each: windows of
    one place were played a moment apart. `contended_windows` are which of them others disturbed,
    `noisy_windows` which were far off the others.

    Of several `ranks` seconds are those of the slowest, memory and CPUs those of all together and
    `largest_rank_memory_bytes` of one; `scaling_efficiency` is their rate over as many times that
    of one process, `communication_share` of a step what a silent twin does without,
    `rank_imbalance` how far the quickest is ahead of the slowest; `wire_bytes_per_step` what their
    machine sent over network interfaces, and `wire_share_of_least` the same over the least that can
    add up their gradients.

    `samples` are the outputs for the examples of the summary, where these are texts; `groups` how
    the groups fare that texts speak of, where these are known.
    """

    # A loss that is not finite becomes null: JSON has no NaN.
    model_config = ConfigDict(ser_json_inf_nan="null")

    backend: str
    mode: str
    ranks: int = 1
    status: Status | Literal["running"]
    reason: str = ""
    device: str | None = None
    device_name: str = ""
    device_memory_bytes: int | None = None
    device_driver: str = ""
    losses: list[float | None] = []
    loss_differences: list[float | None] = []
    validation_loss: float | None = None
    validation_difference: float | None = None
    outputs_differing: int | None = None
    perplexity: float | None = None
    bits_per_byte: float | None = None
    quality: dict[str, Estimate] = {}
    seconds_to_target: float | None = None
    tokens_per_second: Estimate | None = None
    total_tokens_per_second: float | None = None
    doubt: str = ""
    ratio_to_fastest: Estimate | None = None
    ratio_to_itself: Estimate | None = None
    scaling_efficiency: Estimate | None = None
    rank_imbalance: float | None = None
    communication_share: Estimate | None = None
    wire_bytes_per_step: float | None = None
    wire_share_of_least: float | None = None
    step_seconds: float | None = None
    phases: dict[str, float] = {}
    flops_per_second: float | None = None
    product_flops_per_second: float | None = None
    roofline_share: float | None = None
    peak_memory_bytes: int | None = None
    children_peak_memory_bytes: int | None = None
    process_peak_memory_bytes: int | None = None
    largest_rank_memory_bytes: int | None = None
    idle_memory_bytes: int | None = None
    device_peak_memory_bytes: int | None = None
    planned_memory_bytes: int | None = None
    compiler_flops: float | None = None
    cores_used: float | None = None
    busy_threads: int | None = None
    cpus_of_others: float | None = None
    steal_share: float | None = None
    involuntary_switches_per_second: float | None = None
    mhz: float | None = None
    joules_per_step: float | None = None
    cost_per_million_tokens: float | None = None
    harness_share: float | None = None
    window_step_seconds: list[float] = []
    window_places: list[tuple[int, int]] = []
    timed_windows: int = 0
    contended_windows: list[int] = []
    noisy_windows: list[int] = []
    steady: bool | None = None
    drift: Estimate | None = None
    max_loss_difference: float | None = None
    loss_difference_share: float | None = None
    parameters: int
    versions: dict[str, str] = {}
    libraries: list[str] = []
    samples: list[str] = []
    groups: Groups | None = None
    log_tail: str = ""

    @property
    def label(self) -> str:
        return labelled(self.backend, self.mode, self.ranks)

    @property
    def is_fastest(self) -> bool:
        return self.ratio_to_fastest is not None and self.ratio_to_fastest.value == 1.0


class Pace(NamedTuple):
    """How fast all cells of a run are: what the figures of each row follow from."""

    rates: speed.Rates
    counted: Counted
    tokens_per_step: float

    @classmethod
    def of(cls, cells: list[Cell], counted: Counted) -> "Pace":
        """Of the cells that are rows. At one place all train the same batches, so the tokens of a
        step are one number for all."""
        timed = {c.name: counted.timings[c.name] for c in cells if counted.timings[c.name]}
        tokens = {(w.round, w.index): w.tokens / w.timed_steps for c in cells for w in c.timed}
        per_step = sum(tokens.values()) / len(tokens) if tokens else 0.0
        return cls(speed.rates(timed), counted, per_step)

    def rate(self, cell: Cell) -> intervals.Interval | None:
        """Tokens per second, with the interval of the cell's own windows or rounds."""
        log = self.rates.logs.get(cell.name)
        if log is None:
            return None
        return speed.units(self.counted.timings[cell.name]).around(math.exp(log))


def row_of(
    cell: Cell, header: Header, pace: Pace, flops: float, least_seconds: float | None
) -> CellSummary:
    """What is known of a cell from its own records and the pace of all; `flops` is what the spec
    says of a step, `least_seconds` what the machine cannot be faster than."""
    end, steady, rate = cell.end(), cell.steadiness(), pace.rate(cell)
    step = pace.tokens_per_step / rate.value if rate else None
    evaluated = cell.evaluated(header.experiment.train.steps)
    loss = evaluated.loss if evaluated else None
    target = Target.read(header.run["target"], header.metrics)
    shapes = [p.shape for p in header.experiment.model.parameters().values()]
    on_host = cell.built is not None and cell.built.device == "cpu"
    peak, about, several = cell.peak(), cell.device_info(), cell.name.ranks > 1
    price, sent = header.run.get("price_per_hour"), cell.wire_bytes_per_step()
    order, longest = sorted((w.round, w.index) for w in cell.timed), cell.longest_round()
    doubt = doubts.too_busy(cell, pace.counted) or doubts.too_short(
        cell, pace.counted, header.preset
    )
    return CellSummary(
        backend=cell.name.backend,
        mode=cell.name.mode,
        ranks=cell.name.ranks,
        status=end.status,
        reason=end.reason,
        device=cell.built.device if cell.built else None,
        device_name=about.name,
        device_memory_bytes=about.memory_bytes,
        device_driver=about.driver,
        losses=list(cell.losses()),
        validation_loss=loss,
        perplexity=math.exp(min(loss, 700.0)) if loss is not None else None,
        bits_per_byte=bits_per_byte(loss, header.experiment.data),
        quality=evaluated.quality if evaluated else {},
        seconds_to_target=cell.seconds_to(target),
        tokens_per_second=estimate_of(rate),
        total_tokens_per_second=cell.total_tokens_per_second(),
        doubt=doubt if rate else "",
        step_seconds=step,
        phases=cell.phases(step or 0.0),
        flops_per_second=flops / step if step else None,
        # Asked of one process, and nothing to hold several ranks' figures against.
        product_flops_per_second=None if several else cell.product_flops_per_second(),
        roofline_share=least_seconds / step
        if step and least_seconds and on_host and not several
        else None,
        peak_memory_bytes=peak[0] if peak else None,
        children_peak_memory_bytes=peak[1] if peak else None,
        process_peak_memory_bytes=cell.process_peak_bytes(),
        largest_rank_memory_bytes=cell.largest_rank_bytes(),
        rank_imbalance=cell.imbalance(),
        wire_bytes_per_step=sent,
        wire_share_of_least=sent / least_bytes(cell.name.ranks, gradient_bytes(header.experiment))
        if sent is not None and several
        else None,
        idle_memory_bytes=cell.opened.memory_bytes if cell.opened else None,
        device_peak_memory_bytes=cell.device_peak_bytes(),
        planned_memory_bytes=cell.planned.memory_bytes if cell.planned and not several else None,
        compiler_flops=cell.planned.flops if cell.planned and not several else None,
        cores_used=cell.cores_used(),
        busy_threads=cell.busy_threads(),
        cpus_of_others=mean_cpus_of_others(cell.timed),
        steal_share=cell.steal_share(),
        involuntary_switches_per_second=cell.switches_per_second(),
        mhz=cell.mhz(),
        joules_per_step=cell.joules_per_step(),
        cost_per_million_tokens=None if rate is None or price is None
        else price / 3600 / rate.value * 1e6,
        harness_share=cell.harness_share(),
        window_step_seconds=cell.window_step_seconds(),
        window_places=order,
        timed_windows=len(cell.timings),
        contended_windows=[
            i for i, place in enumerate(order) if place in pace.counted.contended[cell.name]
        ],
        noisy_windows=[order.index(longest[index]) for index in steady.noisy],
        steady=steady.steady if steady.drift else None,
        drift=estimate_of(steady.drift),
        parameters=sum(math.prod(shape) for shape in shapes),
        versions=cell.opened.versions if cell.opened else {},
        libraries=cell.opened.libraries if cell.opened else [],
        samples=evaluated.samples if evaluated else [],
        groups=evaluated.groups if evaluated else None,
        log_tail=end.log_tail,
    )  # fmt: skip


def estimate_of(interval: intervals.Interval | None) -> Estimate | None:
    return Estimate.of(interval) if interval else None


def bits_per_byte(loss: float | None, data: Mapping[str, Any]) -> float | None:
    """Of the original text, from a loss in nats per validation token and the `Prepared.about` of
    the data; None where it does not say how many bytes there were.

    Unlike a perplexity it compares over vocabularies and tokenisers: for an unknown token, whose
    spelling the model need not know, 8 bits are charged for each byte that it stands for, beside
    what the model charges for the token.
    """
    tokens, size = data.get("validation_tokens"), data.get("validation_bytes")
    if loss is None or not tokens or not size:
        return None
    return float((loss * tokens / math.log(2) + 8 * data.get("unknown_bytes", 0)) / size)
