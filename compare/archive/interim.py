"""A run that is still being played: what can be said of it so far."""

from collections.abc import Sequence
from datetime import datetime

from compare.findings.summary import Progress, Summary, summarise
from compare.records.record_types import (
    AnyRecord,
    CellRecord,
    Ended,
    Header,
    Resumed,
    Window,
    current,
    header_of,
)
from compare.records.values import CellName


def summary_so_far(records: Sequence[AnyRecord], now: datetime) -> Summary:
    """The summary of what is there, as if it ended well here: rows that have not gone wrong are
    "running", and no note says what to do next time."""
    kept = current(records)
    ends = [record for record in kept if isinstance(record, Ended)]
    ended = {(end.cell, end.round) for end in ends}
    playing = {(r.cell, r.round) for r in kept if isinstance(r, CellRecord)} - ended
    summary = summarise(
        [*map(_without_a_precision, kept)]
        + [Ended(cell=cell, round=number, status="ok") for cell, number in playing]
    )
    wrong = {end.cell for end in ends if end.status != "ok"}
    running = [cell for cell in header_of(kept).cells if cell not in wrong]
    labels = {cell.label for cell in running}
    so_far = {"status": "running", "reason": ""}
    return summary.model_copy(
        update={
            "cells": [
                row.model_copy(update=so_far) if row.label in labels else row
                for row in summary.cells
            ],
            "notes": [note.model_copy(update={"remedy": ""}) for note in summary.notes],
            "progress": _progress(kept, running, now),
        }
    )


def _without_a_precision(record: AnyRecord) -> AnyRecord:
    """One that is asked for is not missed before the end."""
    if not isinstance(record, Header):
        return record
    return record.model_copy(update={"run": {**record.run, "precision": None}})


def _progress(records: Sequence[AnyRecord], running: Sequence[CellName], now: datetime) -> Progress:
    header = header_of(records)
    began = max(r.started for r in records if isinstance(r, Header | Resumed))
    seconds = max(0.0, (now - began).total_seconds())
    budget = header.run.get("budget")
    trained = dict.fromkeys(running, 0)
    for record in records:
        if isinstance(record, Window) and record.losses and record.cell in trained:
            done = record.first_step + len(record.losses)
            trained[record.cell] = max(trained[record.cell], done)
    return Progress(
        step=min(trained.values(), default=0),
        steps=header.experiment.train.steps,
        seconds=seconds,
        budget_left_seconds=None if budget is None else max(0.0, budget - seconds),
    )
