from pathlib import Path

import pytest

from compare.errors import UserError
from compare.sources.lines import read_lines


def file(folder: Path, content: bytes) -> Path:
    path = folder / "text.txt"
    path.write_bytes(content)
    return path


def test_lines_come_without_their_ends_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = file(tmp_path, b"\xef\xbb\xbfone\r\n two \n\nlast")
    assert read_lines(path) == ["one", " two ", "", "last"]


def test_a_last_line_end_begins_no_further_line(tmp_path: Path) -> None:
    assert read_lines(file(tmp_path, b"one\ntwo\n")) == ["one", "two"]
    assert read_lines(file(tmp_path, b"one\n\n")) == ["one", ""]


def test_only_line_ends_end_a_line(tmp_path: Path) -> None:
    line = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\rh"
    assert read_lines(file(tmp_path, f"{line}\n".encode())) == [line]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\ntwo\ncaf\xe9 au lait\n", r"line 3: not UTF-8 \(byte 0xe9, .*\): .* latin1"),
        (b"\xef\xbb\xbfcaf\xc3\xa9\r\ncaf\xe9", r"line 2: not UTF-8 \(byte 0xe9"),
        ("one\ntwo\n".encode("utf-16"), r"line 1: a NUL byte.*UTF-16"),
        (b"one\ntwo\0\n", r"line 2: a NUL byte"),
        (b"", r"is empty$"),
        (b"\xef\xbb\xbf", r"is empty$"),
        (b" \r\n\n", r"is empty$"),
    ],
)
def test_what_is_no_text_is_told_with_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = file(tmp_path, content)
    with pytest.raises(UserError, match=message) as caught:
        read_lines(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    file(tmp_path, b"one")
    for path, message in [
        (tmp_path / "txt.txt", r"txt\.txt' does not exist; did you mean text\.txt"),
        (tmp_path / "nowhere" / "text.txt", r"there is no folder '.*nowhere'$"),
        (tmp_path, r"is a folder, not a file$"),
        (Path("/dev/null"), r"is not a regular file$"),
        (tmp_path / ("x" * 1000), r"cannot be read: File name too long$"),
    ]:
        with pytest.raises(UserError, match=message):
            read_lines(path)
