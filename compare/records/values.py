"""What records are made of: names of cells, figures with intervals, what was asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:  # it comes with scipy, which who only names cells does without
    from compare.stats.intervals import Interval


class Record(BaseModel):
    # JSON has no NaN: a diverged loss is stored as the string "NaN" and read back as a float.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


_RANKS = " x"


def labelled(backend: str, mode: str, ranks: int = 1) -> str:
    """How a row is called: "torch:eager", played by several ranks "torch:eager x2"."""
    return f"{backend}:{mode}" + (f"{_RANKS}{ranks}" if ranks > 1 else "")


def parts_of_label(label: str) -> tuple[str, str, int]:
    """Backend, mode and ranks of what `labelled` gave."""
    name, _, ranks = label.rpartition(_RANKS)
    if not name or not ranks.isdecimal():
        name, ranks = label, "1"
    backend, _, mode = name.rpartition(":")
    return backend, mode, int(ranks)


class CellName(Record):
    """One experiment on one backend in one mode, played by one process or by several `ranks`.

    Three kinds are not rows of the table. The `echo` is a backend that was started from weights
    perturbed in their last bit, with the rows of every batch in reverse order, to measure how far
    rounding alone drives curves apart. The `control` is a backend played a second time, to
    measure how far it differs from itself in speed. The `silent` one are ranks that compute the
    same and do not talk to each other, to measure what talking costs; their losses are of nothing.
    """

    backend: str
    mode: str
    ranks: int = Field(default=1, gt=0, exclude_if=lambda ranks: ranks == 1)
    echo: bool = False
    control: bool = False
    silent: bool = Field(default=False, exclude_if=lambda silent: not silent)

    @property
    def label(self) -> str:
        kinds = {" (echo)": self.echo, " (control)": self.control, " (silent)": self.silent}
        part = next((text for text, is_it in kinds.items() if is_it), "")
        return labelled(self.backend, self.mode, self.ranks) + part

    @property
    def is_row(self) -> bool:
        return not (self.echo or self.control or self.silent)

    def its_row(self) -> "CellName":
        """The cell that an echo, a control or a silent one belongs to."""
        return self.model_copy(update={"echo": False, "control": False, "silent": False})

    def its_control(self) -> "CellName":
        return self.model_copy(update={"control": True})

    def its_silent(self) -> "CellName":
        return self.model_copy(update={"silent": True})


class Estimate(Record):
    """A figure with its 95% interval; null ends where there was too little to tell from."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, interval: "Interval") -> "Estimate":
        return cls(**interval._asdict())

    def inverse(self) -> "Estimate":
        """Of a ratio, that of the two the other way round."""
        return Estimate(
            value=1 / self.value,
            low=1 / self.high if self.high else None,
            high=1 / self.low if self.low else None,
        )

    def interval(self) -> "Interval":
        from compare.stats.intervals import Interval

        return Interval(self.value, self.low, self.high)


class Request(Record):
    """What was asked for, so that it can be asked for again: `compare resume` does. Paths are as
    they were typed, in the working folder `folder`, which is absolute, or empty if not known."""

    task: str
    preset: str
    overrides: list[dict[str, dict[str, Any]]]
    backends: list[str]
    pythons: dict[str, str]
    every_mode: bool = False
    ranks: list[int] = Field(default=[1], exclude_if=lambda ranks: ranks == [1])
    folder: str = ""

    def laid_over(self, values: Mapping[str, Any]) -> "Request":
        """With values by field, such as {"train.batch": 8}, laid over all that it asks for."""
        laid: dict[str, dict[str, Any]] = {}
        for field, value in values.items():
            section, _, name = field.partition(".")
            laid.setdefault(section, {})[name] = value
        return self.model_copy(update={"overrides": [*self.overrides, laid]})


class BusyProcess(Record):
    """Another process that used a CPU before the first window; of its command line nothing is
    kept, since that may hold passwords. `is_worker`: it plays a cell of a run of this suite."""

    name: str
    cpus: float
    is_worker: bool


class Example(Record):
    """An input of the validation split, and the text that is wanted of it."""

    text: str
    wanted: str


class DeviceInfo(Record):
    """A device in the maker's words: `label` is how the command line writes it."""

    label: str
    name: str = ""
    memory_bytes: int | None = None
    driver: str = ""
