"""From `--sweep` texts to the points of a sweep, each a run of its own."""

import re
from collections.abc import Callable, Container, Sequence
from datetime import UTC, datetime
from itertools import chain, count, product
from pathlib import Path
from typing import Any

from compare.contracts.loading import load_task
from compare.errors import UserError
from compare.planning.overrides import parse_assignments, resolve
from compare.planning.plan import known, make_plan
from compare.ranks.counts import threads_of_each
from compare.records.place import require_room
from compare.records.run_folder import new_folder
from compare.records.sweep_folder import Point, Sweep, SweepFolder
from compare.records.values import Request

BATCH = "train.batch"
_MOST_VALUES = 100_000  # of a range: more is a slip of the finger
_LONGEST_NAME = 100  # of a folder: file systems take 255 bytes


def parse_axes(texts: Sequence[str], as_typed: Container[str] = ()) -> dict[str, list[Any]]:
    """`train.batch=8,16,32` and `train.seed=1..20` texts as values by field, `as_typed`
    those of fields that are text; raises UserError for one that is not."""
    axes: dict[str, list[Any]] = {}
    for text in texts:
        field, _, values = text.partition("=")
        plain = field.strip() in as_typed
        listed = [
            one
            for value in map(str.strip, values.split(","))
            for one in ([value] if plain and value else _expanded(value))
        ]
        if not listed or not re.fullmatch(r"\s*\w+\.\w+\s*", field):
            raise UserError(f"--sweep takes SECTION.FIELD=VALUE,VALUE, not '{text}'")
        found = axes.setdefault(field.strip(), [])
        for value in listed:
            ((_, fields),) = parse_assignments([f"{field.strip()}={value}"], as_typed).items()
            (one,) = fields.values()
            if one not in found:  # a value that is given twice is one point
                found.append(one)
    return axes


def _expanded(value: str) -> list[str]:
    """`1..20` as the whole numbers from 1 to 20, any other value as it is."""
    ends = re.fullmatch(r"(\d{1,9})\.\.(\d{1,9})", value)
    if ends is None:
        return [value] if value else []
    first, last = int(ends[1]), int(ends[2])
    if not 0 <= last - first < _MOST_VALUES:
        raise UserError(
            f"--sweep takes FIRST..LAST, up to {_MOST_VALUES:,} whole numbers, not '{value}'"
        )
    return [str(number) for number in range(first, last + 1)]


def begin_sweep(
    results: Path,
    request: Request,
    axes: dict[str, list[Any]],
    command: list[str],
    watch: Callable[[str], None] = lambda doing: None,
    weak: Sequence[Point] = (),
) -> SweepFolder:
    """A new folder with its manifest. Every point, one for each crossing or those of `weak`
    scaling, is planned first, so that a value that cannot be raises UserError before anything is
    written; `watch` is told what is being done."""
    sweep = Sweep(
        run_id="", started=datetime.now(UTC), command=command, request=request, axes=axes, points=[]
    )
    points, choices = list[Point](), None
    for point in weak or _points(axes):
        asked = sweep.request_of(point)
        plan = make_plan(asked, command, known(choices, asked), watch)
        choices = plan.choices
        require_room(results, plan.bytes_on_disk)
        planned = {"fingerprint": plan.experiment.fingerprint()}
        planned["data_sha256"] = plan.experiment.data_sha256
        points.append(point.model_copy(update=planned))
    folder = SweepFolder(new_folder(results, plan.task.name, request.preset, "sweep"))
    folder.write(sweep.model_copy(update={"run_id": folder.path.name, "points": points}))
    return folder


def weak_points(request: Request) -> tuple[Request, list[Point]]:
    """The points of weak scaling, each with a batch that grows with its ranks, played by these and
    by one process; and the request with as many threads for each rank, wherever it plays. Raises
    UserError where there is nothing to scale."""
    if min(request.ranks) != 1 or max(request.ranks) == 1:
        raise UserError("--scaling weak holds several ranks against one process: --ranks 1,2")
    settings = resolve(load_task(request.task), request.preset, request.overrides)
    threads = settings.run.threads or threads_of_each(request.ranks)
    fixed = request.model_copy(
        update={"overrides": [*request.overrides, {"run": {"threads": threads}}]}
    )
    batch = settings.train.batch
    points = [
        Point(
            name=f"ranks={count},batch={count * batch}",
            values={BATCH: count * batch},
            ranks=sorted({1, count}),
        )
        for count in sorted(request.ranks)
    ]
    return fixed, points


def _points(axes: dict[str, list[Any]]) -> list[Point]:
    short = {field: field.partition(".")[2] for field in axes}
    if len(set(short.values())) < len(short):  # such as task.tokens and model.tokens
        short = {field: field for field in axes}
    points = dict[str, Point]()
    for values in product(*axes.values()):
        pairs = dict(zip(axes, values, strict=True))
        text = ",".join(f"{short[field]}={value}" for field, value in pairs.items())
        plain = re.sub(r"[^\w.=,-]", "-", text, flags=re.ASCII)[:_LONGEST_NAME]
        same = (f"{plain},{number}" for number in count(2))
        name = next(name for name in chain([plain], same) if name not in points)
        points[name] = Point(name=name, values=pairs)
    return list(points.values())
