"""What a job looks like while it runs: one bar on a terminal, lines in a pipe, or nothing.

Nothing here draws by itself while a window is timed: what is shown changes when a record comes.
"""

import sys
import time
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from compare.findings import parity
from compare.findings.number_text import clock
from compare.records.record_types import Echoed, Ended, Evaluated, Header, Window
from compare.records.values import CellName, Record
from compare.running.course import Course, Row
from compare.swept.standing import Standing

EVERY = 30.0
"""Seconds after which a pipe gets a line, though nothing new has begun"""


def watched(quiet: bool = False) -> "Silent":
    """What shows a job where stderr leads: no cursor moves in a file, whatever FORCE_COLOR says."""
    if quiet or sys.stderr is None:
        return Silent()
    console = Console(stderr=True)
    live = sys.stderr.isatty() and console.is_interactive  # not a dumb one
    return LiveProgress(console) if live else Lines()


class Silent:
    """Watches, and says nothing; the others show what it knows."""

    def __init__(self) -> None:
        self.course = Course()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def begin(self, phase: str) -> None:
        """Something is made ready, such as the data."""
        self.course.begin(phase)
        self._show()

    def point(self, number: int, of: int, name: str) -> None:
        """One run of several begins."""
        self.course.point(number, of, name)

    def count(self, what: str, done: int, of: int) -> None:
        """One of a number of things begins, so many of which are done."""
        self.course.count(what, done, of)
        self._show()

    def stand(self, standing: Standing) -> None:
        """Points of a sweep are played elsewhere, so many of them by now."""
        self.course.stand(standing)
        self._show()

    def tell(self, line: str) -> None:
        """Something went wrong that what is shown has no room for."""

    def see(self, record: Record) -> None:
        """A record was written."""
        self.course.see(record)
        self._show()

    def decoding(self, cell: CellName, done: int, batches: int) -> None:
        """Outputs for so many validation batches are there."""
        self.course.decoding(cell, done, batches)
        self._show()

    def waiting(self, cpus: float) -> None:
        """Others use so many CPUs, and the run waits until they do not."""
        self.course.waiting(cpus)
        self._show()

    def reached(self, precision: float) -> None:
        """How narrow intervals are by now, infinite where there are none."""
        self.course.precision = precision
        self._show()

    def _show(self) -> None:
        pass


class Lines(Silent):
    """For a pipe: a line for each phase of the first round, for each further round, and every
    EVERY seconds. While data is read a thread looks at the clock; it ends before anything plays.

    What is wrong with what a user asked for is found out before the first line, and stands alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told, self._when = set[str](), time.monotonic()
        self._lock, self._over = Lock(), Event()
        self._beat = Thread(target=self._while_preparing, daemon=True)

    def __enter__(self) -> Self:
        self._beat.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_beat()

    def begin(self, phase: str) -> None:
        self.course.begin(phase)

    def stand(self, standing: Standing) -> None:
        self._stop_beat()
        super().stand(standing)

    def tell(self, line: str) -> None:
        self._print(line)

    def see(self, record: Record) -> None:
        self._stop_beat()
        super().see(record)
        for line in _classes(record):
            self._print(line)
        if (
            isinstance(record, Evaluated)
            and record.cell.is_row
            and record.step == self.course.steps
        ):
            self._print(f"{record.cell.label} evaluated: loss {record.loss:.4f}")
        if isinstance(record, Ended) and record.status != "ok":
            self._print(f"{record.cell.label} {record.status}: {record.reason}".rstrip(": "))

    def _show(self) -> None:
        with self._lock:
            place = self.course.place()
            if place in self._told and time.monotonic() - self._when < EVERY - 1:
                return
            self._told.add(place)
            self._when = time.monotonic()
            parts = (place, self.course.detail, self.course.outlook())
            self._print("; ".join(part for part in parts if part))

    def _print(self, text: str) -> None:
        print(f"{clock(self.course.elapsed()):>5}  {text}", file=sys.stderr, flush=True)

    def _while_preparing(self) -> None:
        while not self._over.wait(EVERY):
            self._show()

    def _stop_beat(self) -> None:
        self._over.set()
        if self._beat.is_alive():
            self._beat.join()


class LiveProgress(Silent):
    """For a terminal: the bar, and below it a row per cell. It draws by itself only until the first
    record comes."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console, self._playing = console, False
        self._furthest = 0.0  # the bar does not go back
        self._curves: dict[CellName, list[float]] = {}
        self._echoed: list[list[float]] = []
        self._parted: dict[CellName, str] = {}
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def stand(self, standing: Standing) -> None:
        self._draw_no_more_by_itself()
        super().stand(standing)

    def tell(self, line: str) -> None:
        self._live.console.print(line, markup=False, highlight=False)

    def _draw_no_more_by_itself(self) -> None:
        if not self._playing:
            self._playing = True
            self._live.stop()
            self._live = Live(
                console=self._console, get_renderable=self._picture, auto_refresh=False,
                transient=True,
            )  # fmt: skip
            self._live.start()

    def see(self, record: Record) -> None:
        self._draw_no_more_by_itself()
        if isinstance(record, Header):
            self._curves, self._echoed, self._parted = {}, [], {}
        for line in _classes(record):
            self._live.console.print(line, markup=False, highlight=False)
        super().see(record)
        judged = isinstance(record, Window) and not record.cell.silent  # of no training
        if isinstance(record, Window) and judged and record.round == self.course.first_round:
            self._curves.setdefault(record.cell, []).extend(record.losses)
            self._judge()
        if isinstance(record, Echoed):
            self._echoed.append(record.losses)
            self._judge()

    def _show(self) -> None:
        self._live.refresh()

    def _judge(self) -> None:
        """Show the gate's verdict as soon as two curves part, not only in the report."""
        header = self.course.header
        assert header is not None  # it is the first record
        experiment = header.experiment
        verdict = parity.judge(
            self._curves, header.oracles, experiment.train.dtype,
            experiment.losses_are_comparable(), self._echoed,
        )  # fmt: skip
        self._parted = dict(verdict.reasons)
        self._show()

    def _picture(self) -> Group:
        return Group(self._bar(), *([self._table()] if self.course.rows else []))

    def _bar(self) -> Table:
        course = self.course
        share = course.share()
        if share is not None:
            self._furthest = max(self._furthest, share)
        unknown = share is None and not self._furthest
        bar = ProgressBar(total=1, completed=self._furthest, width=24, pulse=unknown)
        doing = [course.place(), course.detail]
        time = [f"{clock(course.elapsed())} elapsed", course.outlook()]
        grid = Table.grid(padding=(0, 1))
        grid.add_row(bar, Text("; ".join(part for part in doing if part)))
        grid.add_row("", Text("; ".join(part for part in time if part), style="dim"))
        return grid

    def _table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD)
        for title in ("backend", "doing", "step", "loss", "tokens/s"):
            table.add_column(title, justify="left" if title in ("backend", "doing") else "right")
        for cell, row in self.course.rows.items():
            table.add_row(cell.label, *self._texts(cell, row))
        return table

    def _texts(self, cell: CellName, row: Row) -> list[Text]:
        loss = f"{row.loss:.4f}" if row.loss == row.loss else ""  # not a number before the first
        rate = f"{row.rate:,.0f}" if row.rate == row.rate else ""
        step = f"{row.step}/{self.course.steps}" if row.step else ""
        parted = self._parted.get(cell, "")
        doing = Text(parted, style="red") if parted else Text(row.doing)
        return [doing, Text(step), Text(loss), Text(rate)]


def _classes(record: Record) -> list[str]:
    """At the beginning, which classes are told apart, and in how many examples, if any are."""
    if not isinstance(record, Header):
        return []
    told = {"files": "classes of", "counts": "classes, to train and to validate on:"}
    data = record.experiment.data
    return [f"{words} {data[f'class_{w}']}" for w, words in told.items() if f"class_{w}" in data]
