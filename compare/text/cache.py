"""Tokenised texts that are kept between runs, a folder each, named for all they depend on.

    tokenizer.json   Tokenizer.to_json
    *.npy            flat arrays of ids
    sums.json        SHA-256 of each of these files

An entry that is not whole counts as missing, and a cache that cannot be written to as empty.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compare.text.tokens import Tokenizer

_NAME = "framework-compare"

Arrays = dict[str, NDArray[np.unsignedinteger[Any]]]


def key_of(recipe: Mapping[str, Any]) -> str:
    """The name of the entry that is made by a recipe of plain JSON values."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def load(key: str) -> tuple[Tokenizer, Arrays] | None:
    """The tokenizer and the arrays by name, memory-mapped read-only, or None."""
    folder = cache_root() / key
    try:
        sums = _read_json(folder / "sums.json")
        if any(_sum(folder / name) != expected for name, expected in sums.items()):
            return None
        tokenizer = Tokenizer.from_json(_read_json(folder / "tokenizer.json"))
        arrays = {
            Path(name).stem: np.load(folder / name, mmap_mode="r", allow_pickle=False)
            for name in sums
            if name.endswith(".npy")
        }
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return tokenizer, arrays


def store(key: str, tokenizer: Tokenizer, arrays: Arrays) -> None:
    """Keep an entry, in place of a damaged one if there is one."""
    try:
        root = cache_root()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whole or not at all: a reader sees only what was renamed when it was complete.
        with tempfile.TemporaryDirectory(dir=root, prefix="partial-") as partial:
            entry = Path(partial, "entry")
            _write(entry, tokenizer, arrays)
            if load(key) is None:  # nobody else was faster
                shutil.rmtree(root / key, ignore_errors=True)
                entry.rename(root / key)
    except OSError:
        pass  # read-only, full, or renamed by another process in this moment: not needed


def _write(folder: Path, tokenizer: Tokenizer, arrays: Arrays) -> None:
    folder.mkdir()
    _write_json(folder / "tokenizer.json", tokenizer.to_json())
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    sums = {path.name: _sum(path) for path in sorted(folder.iterdir())}
    _write_json(folder / "sums.json", sums)


def cache_root() -> Path:
    """The folder of what is kept between runs: COMPARE_CACHE, else one of the user's, and for who
    has no home one among the system's temporary files."""
    if own := os.environ.get("COMPARE_CACHE"):
        return Path(own)
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named, _NAME)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (never raises)
    if home.is_absolute() and home != Path("/") and home.is_dir():
        return home / ".cache" / _NAME
    return Path(tempfile.gettempdir(), f"{_NAME}-{os.getuid()}")


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
