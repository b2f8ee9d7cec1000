"""A sweep: one experiment at every crossing of some settings' values, each a run of its own.

results/<run-id>/
    sweep.json            what was asked for, and the points
    batch=8,hidden=128/   the run of one point, a run folder like any other
    report.md, summary.csv and the like, made from the points
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain, count, product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from compare.errors import UserError
from compare.overrides import parse_assignments
from compare.plan import make_plan
from compare.records import SCHEMA_VERSION, Record, Request
from compare.results import RunFolder, new_folder
from compare.version import VERSION

MANIFEST = "sweep.json"
_LONGEST_NAME = 100  # of a folder: file systems take 255 bytes


class Point(Record):
    """One crossing: `values` by field, such as {"train.batch": 8}."""

    name: str
    values: dict[str, Any]


class Sweep(Record):
    """What was asked for: `axes` has the values of each swept field."""

    schema_version: int = SCHEMA_VERSION
    suite_version: str = VERSION
    run_id: str
    started: datetime
    command: list[str]
    request: Request
    axes: dict[str, list[Any]]
    points: list[Point]

    def request_of(self, point: Point) -> Request:
        """What is asked of one point."""
        return _laid_over(self.request, point)


class SweepFolder:
    """A sweep's folder, and its points' run folders."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, results: Path, request: Request, axes: dict[str, list[Any]], command: list[str]
    ) -> "SweepFolder":
        """A new folder with its manifest. Every point is planned first, so that a value that
        cannot be raises UserError before anything is written."""
        points, choices = _points(axes), None
        for point in points:
            plan = make_plan(_laid_over(request, point), command, choices)
            choices = plan.choices
        path = new_folder(results, plan.task.name, request.preset, "sweep")
        sweep = Sweep(
            run_id=path.name, started=datetime.now(UTC), command=command, request=request,
            axes=axes, points=points,
        )  # fmt: skip
        (path / MANIFEST).write_text(sweep.model_dump_json(indent=2), encoding="utf-8")
        return cls(path)

    def sweep(self) -> Sweep:
        """The manifest; raises UserError where it cannot be read."""
        try:
            return Sweep.model_validate_json((self.path / MANIFEST).read_bytes())
        except ValidationError:
            raise UserError(f"'{self.path}' cannot be read: another version wrote it") from None

    def run_folder(self, point: Point) -> RunFolder:
        return RunFolder(self.path / point.name)


def is_sweep(path: Path) -> bool:
    return (path / MANIFEST).is_file()


def parse_axes(texts: Sequence[str]) -> dict[str, list[Any]]:
    """`train.batch=8,16,32` texts as values by field; raises UserError for one that is not."""
    axes: dict[str, list[Any]] = {}
    for text in texts:
        field, _, values = text.partition("=")
        listed = [value.strip() for value in values.split(",") if value.strip()]
        if not listed or not re.fullmatch(r"\s*\w+\.\w+\s*", field):
            raise UserError(f"--sweep takes SECTION.FIELD=VALUE,VALUE, not '{text}'")
        found = axes.setdefault(field.strip(), [])
        for value in listed:
            ((_, fields),) = parse_assignments([f"{field}={value}"]).items()
            (one,) = fields.values()
            if one not in found:  # a value that is given twice is one point
                found.append(one)
    return axes


def _laid_over(request: Request, point: Point) -> Request:
    """A request with a point's values laid over all that it asks for."""
    laid: dict[str, dict[str, Any]] = {}
    for field, value in point.values.items():
        section, _, name = field.partition(".")
        laid.setdefault(section, {})[name] = value
    return request.model_copy(update={"overrides": [*request.overrides, laid]})


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
