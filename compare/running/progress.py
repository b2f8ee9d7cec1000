"""What a run looks like while it runs: live on a terminal, silent in a pipe."""

import math
import time
from types import TracebackType

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from compare.findings import parity
from compare.records.record_types import (
    Built,
    Echoed,
    Ended,
    Evaluated,
    Header,
    Opened,
    Resumed,
    Window,
)
from compare.records.values import CellName, Record


class Silent:
    """For a pipe: watches, and says nothing."""

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def see(self, record: Record) -> None:
        pass

    def decoding(self, cell: CellName, done: int, batches: int) -> None:
        pass

    def waiting(self, cpus: float) -> None:
        pass


class LiveProgress:
    """A row per cell, redrawn when a record comes; no thread runs while a window is timed."""

    def __init__(self, console: Console, title: str = "") -> None:
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._rows: dict[CellName, _Row] = {}
        self._curves: dict[CellName, list[float]] = {}
        self._echoed: list[list[float]] = []
        self._header: Header | None = None
        self._steps = 1
        self._rounds = 1
        self._round = 0
        self._first_round = 0  # another one than 1 where a run is taken up again
        self._pace: tuple[float, int] | None = None  # when the second step ended, steps then

    def __enter__(self) -> "LiveProgress":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def see(self, record: Record) -> None:
        if isinstance(record, Header):
            self._steps = record.experiment.train.steps
            self._header = record
            data = record.experiment.data
            for what in ("class_files", "class_counts"):
                if told := data.get(what):
                    line = f"{what.replace('class_', 'classes, ')}: {told}"
                    self._live.console.print(line, markup=False, highlight=False)
            self._rounds = int(record.run["rounds"])
            self._rows = {cell: _Row() for cell in record.cells}
        elif isinstance(record, Resumed):
            for one in record.kept:
                self._rows.setdefault(one.cell, _Row()).doing = "finished before"
        elif isinstance(record, Opened | Built | Window | Evaluated | Ended):
            if record.round != self._round:
                self._round, self._pace = record.round, None
                self._first_round = self._first_round or record.round
            self._rows.setdefault(record.cell, _Row()).see(record)
        if isinstance(record, Window) and record.round == self._first_round:
            self._curves.setdefault(record.cell, []).extend(record.losses)
            self._judge()
        if isinstance(record, Echoed):
            self._echoed.append(record.losses)
            self._judge()
        self._live.update(self._picture(), refresh=True)

    def decoding(self, cell: CellName, done: int, batches: int) -> None:
        bar = "━" * (20 * done // batches)
        self._rows[cell].doing = f"outputs {bar:20} {done}/{batches}"
        self._live.update(self._picture(), refresh=True)

    def waiting(self, cpus: float) -> None:
        text = f"waiting for quiet: others use {cpus:.2f} CPUs"
        self._live.update(Group(self._picture(), Text(text, style="yellow")), refresh=True)

    def _judge(self) -> None:
        """Show the gate's verdict as soon as two curves part, not only in the report."""
        assert self._header is not None  # it is the first record
        experiment = self._header.experiment
        verdict = parity.judge(
            self._curves, self._header.oracles, experiment.train.precision,
            experiment.losses_are_comparable(), self._echoed,
        )  # fmt: skip
        for cell, row in self._rows.items():
            row.parted = verdict.reasons.get(cell, "")

    def _picture(self) -> Group:
        table = Table(box=box.SIMPLE_HEAD, title=self._title or None, title_justify="left")
        for title in ("backend", "doing", "step", "loss", "tokens/s"):
            table.add_column(title, justify="left" if title in ("backend", "doing") else "right")
        for cell, row in self._rows.items():
            table.add_row(cell.label, *row.texts(self._steps))
        return Group(table, Text(self._time_left(), style="dim"))

    def _time_left(self) -> str:
        playing = [row.step for row in self._rows.values() if row.playing]
        done = sum(playing)
        text = f"round {self._round}" if self._round > 1 or self._rounds > 1 else ""
        text += f" of {self._rounds}" if text and self._round <= self._rounds else ""
        if not playing or min(playing) < 2 or self._round != self._first_round:
            return text or "starting"
        if self._pace is None:
            self._pace = (time.monotonic(), done)
        began, before = self._pace
        if done == before:
            return text
        per_step = (time.monotonic() - began) / (done - before)
        left = per_step * (self._steps * len(playing) - done)
        return f"{text}  {math.ceil(left)} s of training left".strip()


_DOING = {
    "first": "compiling", "warmup": "warming up", "steady": "training", "beyond": "measuring on",
}  # fmt: skip


class _Row:
    """What the display knows of one cell."""

    def __init__(self) -> None:
        self.doing, self.step, self.loss, self.rate = "waiting", 0, math.nan, math.nan
        self.playing, self.parted = False, ""

    def see(self, record: Record) -> None:
        match record:
            case Opened():
                self.doing, self.step = "imported", 0
            case Built():
                self.doing, self.playing = "compiling", True
            case Window():
                self.doing = _DOING[record.role]
                if record.losses:
                    self.step = record.first_step + len(record.losses)
                    self.loss = record.losses[-1]
                if record.is_timed:
                    self.rate = record.tokens / record.seconds
            case Evaluated():
                self.doing = f"evaluated: {record.loss:.4f}"
            case Ended():
                self.playing = False
                self.doing = record.status + (f": {record.reason}" if record.reason else "")

    def texts(self, steps: int) -> list[Text]:
        loss = "" if math.isnan(self.loss) else f"{self.loss:.4f}"
        rate = "" if math.isnan(self.rate) else f"{self.rate:,.0f}"
        step = f"{self.step}/{steps}" if self.step else ""
        doing = Text(self.parted, style="red") if self.parted else Text(self.doing)
        return [doing, Text(step), Text(loss), Text(rate)]
