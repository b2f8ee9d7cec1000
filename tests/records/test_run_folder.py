import math
from pathlib import Path

import pytest

from compare.errors import UserError
from compare.records.record_types import Ended, Window
from compare.records.run_folder import RunFolder
from compare.records.values import CellName

CELL = CellName(backend="a", mode="b")


def window(losses: list[float]) -> Window:
    return Window(
        cell=CELL, round=1, role="steady", index=0, first_step=0, losses=losses, timed_steps=1,
        tokens=10, seconds=0.1, lead_seconds=0.1, peak_bytes=1, device_peak_bytes=None,
    )  # fmt: skip


def test_records_come_back_exactly_nan_included(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "lm", "tiny")
    folder.append(window([1 / 3, math.nan, math.inf]))
    folder.append(Ended(cell=CELL, round=1, status="failed", reason='a "quoted"\nline'))
    first, second = folder.records()
    assert isinstance(first, Window)
    assert first.losses[0] == 1 / 3
    assert math.isnan(first.losses[1])
    assert math.isinf(first.losses[2])
    assert isinstance(second, Ended)
    assert second.reason == 'a "quoted"\nline'


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, "lm", "tiny")
    folder.append(window([1.0]))
    with (folder.path / "records.jsonl").open("a") as file:
        file.write('{"kind":"win')
    assert len(folder.records()) == 1


def test_no_two_runs_share_a_folder(tmp_path: Path) -> None:
    folders = {RunFolder.create(tmp_path, "lm", "tiny").path for _ in range(50)}
    assert len(folders) == 50


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to"):
        RunFolder.create(tmp_path / "file", "lm", "tiny")
