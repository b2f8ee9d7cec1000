"""Files as they are stored: compressed, pipes, devices."""

import gzip
import os
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from compare.errors import UserError
from compare.sources.files import map_file, read_file
from compare.sources.lines import read_lines
from compare.sources.rows import read_rows
from compare.sources.source import open_source


@pytest.fixture
def pipe() -> Iterator[Path]:
    """As `<(...)` gives one."""
    reader, writer = os.pipe()
    os.write(writer, b"one\ntwo\n")
    os.close(writer)
    yield Path(f"/dev/fd/{reader}")
    os.close(reader)


def test_a_pipe_can_be_read_as_often_as_a_file(pipe: Path) -> None:
    assert read_lines(pipe) == ["one", "two"]
    assert read_lines(pipe) == ["one", "two"]
    assert bytes(map_file(pipe)) == read_file(pipe) == b"one\ntwo\n"
    assert list(open_source(pipe).blocks()) == ["one\ntwo\n"]


def test_a_pipe_that_has_a_name_is_read_by_its_ending(tmp_path: Path) -> None:
    """A table that is written by another program while it is read."""
    fifo = tmp_path / "table.json"
    os.mkfifo(fifo)
    if os.fork() == 0:
        fifo.write_text('[{"a": "x", "b": "y"}]')
        os._exit(0)
    assert read_rows(str(fifo), "a", "b") == [("x", "y")]
    assert read_rows(str(fifo), "b", "a") == [("y", "x")]
    os.wait()


def test_a_compressed_text_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "big.txt.gz").write_bytes(gzip.compress(b"line\n" * 10_000_000, 1))
    tracemalloc.start()
    try:
        source = open_source(tmp_path / "big.txt.gz")
        source.check()
        assert sum(map(len, source.blocks())) == 50_000_000
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_device_is_refused_rather_than_read_for_ever() -> None:
    for read in (open_source, read_lines):
        with pytest.raises(UserError, match=r"^data '/dev/zero' is not a regular file$"):
            read(Path("/dev/zero"))


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # what makes an import fail
    named = r"pip install 'framework-compare\[parquet\]'$"
    (tmp_path / "book.txt.zst").write_bytes(b"")
    with pytest.raises(UserError, match=named):
        open_source(tmp_path / "book.txt.zst")
    for name in ("rows.parquet", "rows.arrow"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(UserError, match=named):
            read_rows(str(tmp_path / name), "a", "b")
