import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import environment

from compare.errors import UserError
from compare.sources.hub import read_hub
from compare.sources.rows import read_labelled, read_rows


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The library's cache, in a folder of the test's own."""
    config = pytest.importorskip("datasets.config")
    folder = tmp_path / "cache"
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.csv").write_text("text,label,score\nfine,1,0.5\nawful,0,\n")
    (folder / "test.csv").write_text("text,label,score\nso so,1,1.5\n")
    return folder


def parquet(path: Path, features: dict[str, Any], **columns: list[Any]) -> str:
    from datasets import Dataset, Features

    path.mkdir()
    Dataset.from_dict(columns, features=Features(features)).to_parquet(path / "train.parquet")
    return str(path)


def test_columns_of_a_split_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_hub(str(folder), "train", ["label", "text"]) == [["1", "0"], ["fine", "awful"]]
    assert read_hub(str(folder), "train", ["score"]) == [["0.5", ""]]
    monkeypatch.chdir(folder.parent)
    assert read_hub("./set", "test", ["text"]) == [["so so"]]
    assert read_rows("hf:./set", "text", "label") == [("fine", "1"), ("awful", "0")]
    assert read_rows("hf:./set", "text", "label", "test") == [("so so", "1")]


def test_labels_have_names(tmp_path: Path) -> None:
    from datasets import ClassLabel, Value

    features = {"text": Value("string"), "label": ClassLabel(names=["neg", "pos"])}
    data = parquet(tmp_path / "a", features, text=["fine", "bad"], label=[1, 0])
    assert read_labelled(f"hf:{data}", "text", "label") == [("fine", "pos"), ("bad", "neg")]
    data = parquet(tmp_path / "b", features, text=["fine", "bad"], label=[1, -1])
    with pytest.raises(UserError, match=r"row 2 of split 'train', column 'label' is empty$"):
        read_labelled(f"hf:{data}", "text", "label")


def test_columns_within_a_column_have_dots(tmp_path: Path) -> None:
    from datasets import Value

    features = {"pair": {"de": Value("string"), "en": Value("string")}}
    data = parquet(tmp_path / "a", features, pair=[{"de": "ja", "en": "yes"}])
    assert read_rows(f"hf:{data}", "pair.de", "pair.en") == [("ja", "yes")]


def test_what_a_folder_does_not_have_is_told(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "set [2]").mkdir()
    (folder.parent / "lists").mkdir()
    (folder.parent / "lists" / "a.jsonl").write_text('{"a": ["x"]}\n')
    for name, split, column, message in [
        ("set", "trian", "text", r"^unknown split 'trian' in 'hf:.*set': did you mean train\?$"),
        ("set", "train", "txt", r"^unknown column 'txt' in 'hf:.*set': did you mean text\?$"),
        ("set/train.csv", "train", "text", r"is a file: give its folder"),
        ("sets", "train", "text", r"there is no folder '.*sets'$"),
        ("nothing", "train", "text", r"nothing' cannot be loaded: "),
        ("set [2]", "train", "text", r"to the library '\[' is a pattern: rename '.*set \[2\]'$"),
        ("lists", "train", "a", r"split 'train', row 1, 'a' is no text but a list$"),
    ]:
        with pytest.raises(UserError, match=message) as caught:
            read_hub(str(tmp_path / name), split, [column])
        assert "\n" not in str(caught.value)


def test_a_broken_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "train.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match=r"cannot be loaded: .*[Pp]arquet") as caught:
        read_hub(str(tmp_path / "bad"), "train", ["text"])
    assert "\n" not in str(caught.value)


def test_columns_of_a_dataset_must_be_named(folder: Path) -> None:
    with pytest.raises(UserError, match=r"has columns: name two of them, with --set task\.source"):
        read_rows(f"hf:{folder}", "text", None)


@pytest.mark.parametrize("name", ["", "a/", "/", "a/b/c/d"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"^'hf:"):
        read_hub(name, "train", ["text"])


def test_without_the_library_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # what makes an import fail
    with pytest.raises(UserError, match=r"pip install 'framework-compare\[hf\]'$"):
        read_hub("imdb", "train", ["text"])


READ = """
import sys
from compare.errors import UserError
from compare.sources.hub import read_hub
try:
    print(read_hub(sys.argv[1], "train", ["text"]))
except UserError as error:
    print(error)
"""


@pytest.fixture
def read_apart(tmp_path: Path, cache: Path) -> Callable[[str], str]:
    """`read_apart(name)` prints its text or its error where no hub answers."""

    def read(name: str) -> str:
        hub = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home")}
        finished = subprocess.run(
            [sys.executable, "-P", "-c", READ, name],
            env=environment() | hub | {"HF_DATASETS_CACHE": str(cache)},
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return finished.stdout

    return read


@pytest.mark.parametrize("name", ["imdb", "owner/thing", "owner/thing/config"])
def test_a_hub_out_of_reach_is_told_in_one_line_and_soon(
    name: str, read_apart: Callable[[str], str]
) -> None:
    begin = time.monotonic()
    told = read_apart(name)
    assert time.monotonic() - begin < 15  # of which importing the library takes most
    assert told.startswith(f"'hf:{name}' is not in the library's cache")
    assert "--data FILE or hf:./FOLDER" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("name", ["owner/thing", "owner/thing/default"])
def test_what_is_in_the_cache_is_read_without_the_hub(
    name: str, folder: Path, cache: Path, read_apart: Callable[[str], str]
) -> None:
    read_hub(str(folder), "train", ["text"])
    built = next(cache.glob("set/default/*/*/set-train.arrow"))
    for arrow in built.parent.glob("set-*.arrow"):  # as if it had come from the hub
        arrow.rename(arrow.with_name(arrow.name.replace("set-", "thing-")))
    (cache / "set").rename(cache / "owner___thing")
    assert read_apart(name) == "[['fine', 'awful']]\n"


def test_a_folder_named_like_a_dataset_is_not_taken_for_it(
    folder: Path, read_apart: Callable[[str], str]
) -> None:
    assert "is not in the library's cache" in read_apart("set")  # it lies in the working folder
