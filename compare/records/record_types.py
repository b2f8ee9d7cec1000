"""The record types: what a run writes down, one JSON object per line, as things happen."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from compare.records.groups import Groups
from compare.records.values import (
    BusyProcess,
    CellName,
    DeviceInfo,
    Estimate,
    Example,
    Record,
    Request,
)
from compare.spec.experiment import Experiment

SCHEMA_VERSION = 5
READABLE_VERSIONS = (2, 3, 4, 5)

Status = Literal["ok", "skipped", "failed", "parity_failed", "interrupted"]
Role = Literal["first", "warmup", "steady", "beyond"]


class Header(Record):
    """The first line: everything that was decided before a worker started. `busy` is what else
    was running, null where nobody looked; `commit` is of the checkout that the suite ran from, with
    a plus where files of it were changed, empty where it was no checkout. `examples` are the first
    validation examples, where outputs are texts; `best_learner` says how groups fare with the best
    learner of labels that are biased on purpose."""

    kind: Literal["header"] = "header"
    schema_version: int = SCHEMA_VERSION
    suite_version: str = ""
    commit: str = ""
    run_id: str
    started: datetime
    command: list[str]
    preset: str
    experiment: Experiment
    fingerprint: str
    run: dict[str, Any]
    floor: float | None
    ceilings: dict[str, float]
    best_learner: dict[str, float] = Field(default={})
    metrics: list[str]
    machine: dict[str, str | int]
    environment: dict[str, str]
    cells: list[CellName]
    oracles: list[CellName] = Field(description="cells that are right by definition")
    request: Request | None = None
    busy: list[BusyProcess] | None = None
    examples: list[Example] = Field(default=[])


class KeptRound(Record):
    """A cell's round that was finished before a run was taken up again, and still counts."""

    cell: CellName
    round: int


class Resumed(Record):
    """The run was taken up again. Of what was recorded before, only the `kept` rounds count."""

    kind: Literal["resumed"] = "resumed"
    started: datetime
    command: list[str]
    machine: dict[str, str | int]
    environment: dict[str, str]
    kept: list[KeptRound]


class Probed(Record):
    """What the machine can do, measured at the start of a run: float32 matrix products in
    FLOP/s and memory traffic in bytes/s; null with the `problem` where it could not be.
    `narrowed_by` are environment variables that hold a library to slower kernels, which were not
    heeded for this."""

    kind: Literal["probed"] = "probed"
    flops_per_second: float | None
    bytes_per_second: float | None
    problem: str = ""
    narrowed_by: list[str] = Field(default=[])


class SpeedCheck(Record):
    """Seconds of one fixed matrix product in the conductor's process, before a round and after."""

    kind: Literal["speed_check"] = "speed_check"
    round: int
    seconds: float


class Opened(Record):
    """A worker imported its framework. `memory_bytes` is resident while idle; `adapter_sha256`
    is of the adapter's source, `libraries` and `details` say what computes underneath. `devices`
    are those that the framework sees, `device_infos` what it knows of them."""

    kind: Literal["opened"] = "opened"
    cell: CellName
    round: int
    seconds: float
    memory_bytes: int
    versions: dict[str, str]
    devices: list[str]
    adapter_sha256: str = ""
    libraries: list[str] = Field(default=[])
    details: dict[str, str] = Field(default={})
    device_infos: list[DeviceInfo] = Field(default=[])


class Built(Record):
    """A trainer was built on `device` and given its weights."""

    kind: Literal["built"] = "built"
    cell: CellName
    round: int
    seconds: float
    device: str


class Window(Record):
    """Consecutive steps in one cell. `tokens`, `seconds` and all that is measured are of the
    timed steps alone; `lead_seconds` is what the untimed ones before them took.

    `first` is the very first step, compilation included; `warmup` settles caches; `steady`
    is what rates are made of, its first step trained but not timed. `beyond` is timed like a
    steady one, after the training, on batches that were trained on before: its losses are none
    of the training's, and are not kept.

    `harness_seconds`: timed, but outside the adapter. `cpu_seconds`: user and system time of the
    worker, `busy_threads` how many of its threads were at work; `steal_seconds`: what a hypervisor
    withheld of its CPUs together; `conductor_cpu_seconds`: of the conductor while it waited.
    `children_peak_bytes`: the most that processes started by the worker were seen to hold.
    `grown_bytes`: how much the worker held that it never had before; where it `grew` by so much
    that the system's handing it out is not to be timed as training, the window does not count.

    `others_cpu_seconds`: what all processes but the worker, the conductor among them, used of the
    CPUs that the worker may run on; `pressure_seconds` (of the machine) and
    `group_pressure_seconds` (of the control group): for how long a thread that could run had no
    CPU; `queue_seconds`: the same of the worker's threads, added up. `resting_cpu_seconds`: what
    the workers of other cells used, by label, while they should have rested.

    Of several ranks `seconds` are the slowest's, `rank_seconds` each one's; what they hold and use
    is added up, and `rank_peak_bytes` is what each held; `grown_bytes` is of the one that grew
    most; `wire_bytes` is what their machine sent over its network interfaces, loopback among them.
    """

    kind: Literal["window"] = "window"
    cell: CellName
    round: int
    role: Role
    index: int
    first_step: int
    losses: list[float]
    timed_steps: int
    tokens: int
    seconds: float
    lead_seconds: float
    peak_bytes: int
    device_peak_bytes: int | None
    children_peak_bytes: int | None = None
    harness_seconds: float | None = None
    cpu_seconds: float | None = None
    busy_threads: int | None = None
    involuntary_switches: int | None = None
    voluntary_switches: int | None = None
    steal_seconds: float | None = None
    mhz: float | None = None
    joules: float | None = None
    conductor_cpu_seconds: float | None = None
    others_cpu_seconds: float | None = None
    pressure_seconds: float | None = None
    group_pressure_seconds: float | None = None
    queue_seconds: float | None = None
    resting_cpu_seconds: dict[str, float] = Field(default={})
    rank_seconds: list[float] = Field(default=[], exclude_if=lambda value: not value)
    rank_peak_bytes: list[int] = Field(default=[], exclude_if=lambda value: not value)
    wire_bytes: int | None = Field(default=None, exclude_if=lambda value: value is None)
    grown_bytes: int | None = Field(default=None, exclude_if=lambda value: value is None)
    grew: bool = Field(default=False, exclude_if=lambda value: not value)

    @property
    def cpus_of_others(self) -> float | None:
        """How many CPUs others used meanwhile: neither the worker, nor the conductor, nor the
        workers that rested, which are the run's own."""
        if self.others_cpu_seconds is None or not self.seconds:
            return None
        return max(0.0, self.others_cpu_seconds - self._own_cpu_seconds()) / self.seconds

    def _own_cpu_seconds(self) -> float:
        return (self.conductor_cpu_seconds or 0.0) + sum(self.resting_cpu_seconds.values())

    @property
    def is_measured(self) -> bool:
        return self.role in ("steady", "beyond")

    @property
    def is_timed(self) -> bool:
        return self.is_measured and not self.grew


class Echoed(Record):
    """The losses of one more training of the echo, from weights that were perturbed otherwise."""

    kind: Literal["echoed"] = "echoed"
    cell: CellName
    round: int
    losses: list[float]


class Planned(Record):
    """What the framework's compiler planned for one step, in bytes and FLOPs; null where it does
    not say."""

    kind: Literal["planned"] = "planned"
    cell: CellName
    round: int
    memory_bytes: int | None
    flops: float | None


class Multiplied(Record):
    """The framework's own float32 matrix product, the fastest of several sizes, in FLOP/s; null
    where the backend does not offer one."""

    kind: Literal["multiplied"] = "multiplied"
    cell: CellName
    round: int
    flops_per_second: float | None


class Evaluated(Record):
    """Mean loss over the validation split after `step` steps, nats per token, and the task's own
    metrics of the outputs; of those that are `unscored`, why they cannot be given. `outputs` is a
    short hash of each output, where there are any: of the decoded text, or of the class that is
    most probable; `samples` are the texts for the header's examples; `groups` how the groups fare
    that texts speak of, where these are known; `weight_norms` the norm of every parameter, in the
    middle of a training whose weights are kept. The echo is evaluated too, without metrics."""

    kind: Literal["evaluated"] = "evaluated"
    cell: CellName
    round: int
    step: int
    loss: float
    tokens: int
    seconds: float
    quality: dict[str, Estimate] = Field(default={})
    unscored: dict[str, str] = Field(default={})
    outputs: list[str] = Field(default=[])
    samples: list[str] = Field(default=[])
    groups: Groups | None = None
    weight_norms: dict[str, float] = Field(default={}, exclude_if=lambda value: not value)


class Ended(Record):
    """How a cell ended in a round, with the reason and the end of its log where it went wrong;
    `process_peak_bytes` is the worker's largest resident set from its start on."""

    kind: Literal["ended"] = "ended"
    cell: CellName
    round: int
    status: Status
    reason: str = ""
    log_tail: str = ""
    process_peak_bytes: int | None = None


CellRecord = Opened | Built | Window | Echoed | Planned | Multiplied | Evaluated | Ended
AnyRecord = Annotated[
    Header | Resumed | Probed | SpeedCheck | CellRecord, Field(discriminator="kind")
]
ANY_RECORD: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)


def header_of(records: Iterable[AnyRecord]) -> Header:
    """The header among records."""
    return next(record for record in records if isinstance(record, Header))


def current(records: Sequence[AnyRecord]) -> list[AnyRecord]:
    """What counts: of cells, the rounds that the last resumption kept and all that came after."""
    at = max((i for i, record in enumerate(records) if isinstance(record, Resumed)), default=None)
    if at is None:
        return list(records)
    resumed = records[at]
    assert isinstance(resumed, Resumed)
    kept = {(one.cell, one.round) for one in resumed.kept}
    before = [
        record
        for record in records[:at]
        if not isinstance(record, CellRecord) or (record.cell, record.round) in kept
    ]
    return [*before, *records[at:]]
