"""Batches of sequences, as a worker reads them from the folder."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from compare.contracts import Batch
from compare.spec import TrainSpec
from compare.spec.inputs import Dataset
from compare.text.padded import Sequences, Split, training, validation

BEGIN, END = 1, 2
SOURCES = [[10], [11, 12, 13, 14, 15], [16, 17], [18, 19, 20], [21, 22]]
TARGETS = [[30, 31], [32], [33, 34, 35, 36, 37], [38], []]


def ids(rows: list[list[int]]) -> list[np.ndarray]:
    return [np.array(row, np.int32) for row in rows]


def sides(width: int = 8) -> dict[str, Sequences]:
    target = Sequences(ids(TARGETS), width, BEGIN, END)
    return {"source": Sequences(ids(SOURCES), width), "target": target}


def dataset(folder: Path, split: Split) -> Dataset:
    (folder / "data").mkdir()
    for name, array in split.arrays.items():
        np.save(folder / "data" / f"{name}.npy", array)
    return Dataset(folder, split.cuts)


def valid(batch: Batch, field: str, row: int) -> list[int]:
    return batch[field][row][batch[f"{field}_mask"][row]].tolist()


def test_a_decoder_reads_what_it_has_to_say_one_token_late(tmp_path: Path) -> None:
    data = dataset(tmp_path, validation(sides(), TrainSpec(batch=5)))
    batch = data.batch(0)
    for row in range(5):
        assert valid(batch, "source", row) == SOURCES[row]
        assert valid(batch, "targets", row) == [*TARGETS[row], END]
        assert batch["inputs"][row][0] == BEGIN
        np.testing.assert_array_equal(batch["inputs"][row, 1:], batch["targets"][row, :-1])
    assert all(field.shape == (5, 8) for field in batch.values())
    assert batch["inputs"].dtype == batch["targets"].dtype == np.int32


def test_long_sequences_are_cut_off_and_counted(tmp_path: Path) -> None:
    split = validation(sides(width=4), TrainSpec(batch=5))
    assert split.truncated == pytest.approx(2 / 5)
    batch = dataset(tmp_path, split).batch(0)
    assert valid(batch, "source", 1) == SOURCES[1][:4]
    assert valid(batch, "targets", 2) == TARGETS[2][:4]  # no end: it does not end there
    assert valid(batch, "targets", 0) == [*TARGETS[0], END]


def test_the_last_validation_batch_is_filled_with_rows_that_count_nowhere(tmp_path: Path) -> None:
    split = validation(sides(), TrainSpec(batch=3))
    data = dataset(tmp_path, split)
    assert split.examples == 5
    assert len(data) == 2
    last = data.batch(1)
    assert last["targets_mask"].any(-1).tolist() == [True, True, False]
    assert last["source_mask"].any(-1).all()  # attention always sees something


def test_validation_stops_at_the_batches_that_are_asked_for() -> None:
    split = validation(sides(), TrainSpec(batch=2, validation_batches=1))
    assert split.examples == 2


def test_every_example_is_trained_on_as_often_and_in_another_order(tmp_path: Path) -> None:
    data = dataset(tmp_path, training(sides(), TrainSpec(batch=5, steps=3)))
    epochs = data.batches(0, 3)["source"][..., 0]
    firsts = sorted(row[0] for row in SOURCES)
    assert all(sorted(epoch.tolist()) == firsts for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_seed_decides_the_order() -> None:
    def starts(seed: int) -> list[int]:
        split = training(sides(), TrainSpec(batch=5, steps=3, seed=seed))
        return split.arrays["train.source.starts"].reshape(-1).tolist()

    assert starts(1) == starts(1) != starts(2)


def test_buckets_pad_to_the_longest_of_a_group_and_each_comes_first_once(tmp_path: Path) -> None:
    spec = TrainSpec(batch=2, steps=12)
    data = dataset(tmp_path, training(sides(), spec, buckets=3))
    widths = []
    for step in range(12):
        batch = data.batch(step)
        assert batch["inputs"].shape == batch["targets"].shape
        for row in range(2):
            source = valid(batch, "source", row)
            assert valid(batch, "targets", row) == [*TARGETS[SOURCES.index(source)], END]
        widths.append((batch["source"].shape[1], batch["targets"].shape[1]))
    assert len(set(widths)) == len(set(widths[:3])) == 3
    assert min(widths)[0] < 5


def test_steps_of_one_width_are_handed_out_together(tmp_path: Path) -> None:
    data = dataset(tmp_path, training(sides(), TrainSpec(batch=2, steps=12), buckets=3))
    runs = data.runs(0, 12)
    joined = [step for run in runs for step in run["targets"].tolist()]
    assert joined == [data.batch(step)["targets"].tolist() for step in range(12)]
    for one, other in pairwise(runs):
        shapes = [{name: f.shape[2:] for name, f in run.items()} for run in (one, other)]
        assert shapes[0] != shapes[1]


def test_a_classifier_has_one_target_for_each_row(tmp_path: Path) -> None:
    labels = np.array([0, 1, 1, 0, 1], np.int32)
    inputs = {"inputs": Sequences(ids(SOURCES), 8)}
    split = validation(inputs, TrainSpec(batch=3), labels=labels)
    data = dataset(tmp_path, split)
    first, last = data.batch(0), data.batch(1)
    assert first["targets"].tolist() == [[0], [1], [1]]
    assert last["targets_mask"].tolist() == [[True], [True], [False]]
    (tmp_path / "train").mkdir()
    spec = TrainSpec(batch=5, steps=1)
    batch = dataset(tmp_path / "train", training(inputs, spec, labels=labels)).batch(0)
    for row in range(5):
        assert labels[SOURCES.index(valid(batch, "inputs", row))] == batch["targets"][row, 0]
