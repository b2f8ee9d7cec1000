"""`compare fair` of classifiers: a threshold for each group, of a run or of a sweep's points."""

import json as json_module
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compare.commands.tables import print_fitting, say, tell_missing
from compare.contracts.task import class_names
from compare.errors import UserError, unknown
from compare.fairness.thresholds import CONSTRAINTS, judged_of, thresholded
from compare.findings.number_text import NOTHING, estimate
from compare.planning.kept import header_of_run
from compare.planning.spelling import adapter_and_mode, is_meant
from compare.records.groups import Groups
from compare.records.record_types import Evaluated, Header
from compare.records.run_folder import RunFolder
from compare.records.sweep_folder import SweepFolder
from compare.records.thresholds import Thresholded, keep_thresholds
from compare.records.values import CellName

_RATES = {"selection": "selection", "tpr": "TPR", "fpr": "FPR"}
_Found = tuple[list[Thresholded], dict[str, str]]


def thresholds_of_run(
    folder: RunFolder, header: Header, wanted: Sequence[str], constraint: str, json: bool
) -> bool:
    """Print what thresholds come to for every backend of a run; whether each has some."""
    found, missing = _of_run(folder, header, wanted, constraint)
    if not found:
        raise _none(folder.path, missing)
    if json:
        print(json_module.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        _print({"": found})
        for sentence in _words(found[0]):
            say(sentence)
    tell_missing(missing, json)
    return not missing


def thresholds_of_sweep(
    folder: SweepFolder, wanted: Sequence[str], constraint: str, json: bool
) -> bool:
    """Print the same of every point that was played, and keep it there for the sweep's report."""
    found, missing = dict[str, list[Thresholded]](), dict[str, str]()
    for point in folder.sweep().points:
        at = folder.run_folder(point)
        if not at.exists():
            missing[point.name] = "it was not played"
            continue
        try:
            header = header_of_run(at)
        except UserError as error:
            missing[point.name] = str(error)
            continue
        here, lacking = _of_run(at, header, wanted, constraint)
        missing |= {f"{point.name}, {label}": why for label, why in lacking.items()}
        if here:
            keep_thresholds(at.path, here)
            found[point.name] = here
    if not found:
        raise _none(folder.path, missing)
    if json:
        dumped = {name: [o.model_dump(mode="json") for o in some] for name, some in found.items()}
        print(json_module.dumps(dumped, indent=2))
    else:
        _print(found)
        for sentence in _words(next(iter(found.values()))[0]):
            say(sentence)
        say(f"Kept at each point; `compare report {folder.path}` tells of them.")
    tell_missing(missing, json)
    return not missing


def _of_run(folder: RunFolder, header: Header, wanted: Sequence[str], constraint: str) -> _Found:
    found, missing = list[Thresholded](), dict[str, str]()
    for cell in _cells(folder, header, wanted):
        try:
            found.append(_of_cell(folder, header, cell, constraint))
        except UserError as error:
            missing[cell.label] = str(error)
    return found, missing


def _none(path: Any, missing: Mapping[str, str]) -> UserError:
    whys = "; ".join(dict.fromkeys(missing.values()))
    return UserError(f"'{path}' cannot be given thresholds: {whys}")


def _cells(folder: RunFolder, header: Header, wanted: Sequence[str]) -> list[CellName]:
    """Those that these texts name, or all; a name without a mode is all of its modes."""
    if not header.experiment.model.classifies():
        raise UserError(
            f"'{folder.path}' cannot be given thresholds: its outputs are no classes; of a language"
            " model --pairs and --words tell"
        )
    found = list[CellName]()
    for text in wanted:
        adapter, mode = adapter_and_mode(text)
        meant = [c for c in header.cells if is_meant(c.backend, adapter) and mode in ("", c.mode)]
        if not meant:
            labels = [cell.label for cell in header.cells]
            raise unknown("backend", text, labels, where=f"'{folder.path}'")
        found += meant
    return list(dict.fromkeys(found)) or list(header.cells)


def _of_cell(folder: RunFolder, header: Header, cell: CellName, constraint: str) -> Thresholded:
    rows = _outputs(folder, cell)
    every = (r.groups for r in folder.records() if isinstance(r, Evaluated) and r.cell == cell)
    told = [groups for groups in every if groups]
    if not told:
        raise UserError("its texts are of no group: name their column by task.group")
    groups = told[-1]
    names = class_names(header.experiment.data, 2)
    positive = names.index(groups.positive) if groups.positive in names else 1
    return thresholded(cell, judged_of(rows, positive), constraint, groups.positive)


def _outputs(folder: RunFolder, cell: CellName) -> list[dict[str, Any]]:
    path = folder.outputs(cell)
    try:
        return [json_module.loads(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        raise UserError(f"'{path}' is missing, which has its outputs") from None
    except ValueError:
        raise UserError(f"'{path}' cannot be read: a line of it is not whole") from None


def _print(found: Mapping[str, Sequence[Thresholded]]) -> None:
    """By point of a sweep, or of a run without a name."""
    rows = []
    for point, some in found.items():
        for one in some:
            decided = (
                ("the likeliest class", one.before),
                ("thresholds", one.after),
                ("thresholds, where fitted", one.fitted),
            )
            for how, groups in decided:
                label = ", ".join(filter(None, [point, one.label, how]))
                rows.append([label, *_figures(groups)])
    titles = ["decided by", *(f"{title} difference" for title in _RATES.values()), "accuracy"]
    print_fitting(titles, rows, [""] * len(rows))


def _figures(groups: Groups) -> Iterator[str]:
    gaps = {gap.rate: gap.gap for gap in groups.gaps}
    for rate in _RATES:
        yield estimate(gaps[rate], "{:.3f}") if rate in gaps else NOTHING
    yield estimate(groups.accuracy, "{:.3f}")


def _words(one: Thresholded) -> Iterator[str]:
    gap = next((gap for gap in one.after.gaps if gap.rate == "selection"), None)
    yield (
        f"Thresholds for {CONSTRAINTS[one.constraint]}: fitted on {one.fitted_on:,} validation"
        f" texts, judged on the {one.judged_on:,} others, the same ones for every backend."
    )
    if gap and gap.by_chance is None:
        yield (
            f"Differences are {gap.first} less {gap.second}, with 95% intervals over the texts that"
            " are judged; what other texts to fit on would change is not in them."
        )
    elif gap:
        yield "Differences are the largest rate less the smallest, which is never below zero."
    yield "Where a threshold would draw a decision its chance is counted: nothing is drawn here."
    yield (
        "Such thresholds need the group of everybody who is decided about, which may be unlawful"
        " where you use them; no figure here is a legal finding."
    )
