"""Finding backends, tasks, report formats, exporters and engines, through entry points or a file.

The core knows the groups and no member of them: built-in plug-ins are declared in
pyproject.toml exactly as an outsider's would be.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal

from compare.errors import UserError

Kind = Literal["backend", "task", "report", "export", "engine"]
_GROUPS: dict[Kind, str] = {
    "backend": "compare.backends",
    "task": "compare.tasks",
    "report": "compare.reports",
    "export": "compare.exports",
    "engine": "compare.engines",
}


_lent: dict[Kind, dict[str, EntryPoint]] = {}


def installed(kind: Kind) -> dict[str, EntryPoint]:
    """Entry points of one kind by name, none of them loaded."""
    return {point.name: point for point in entry_points(group=_GROUPS[kind])} | _lent.get(kind, {})


def lend(kind: Kind, points: Mapping[str, str]) -> None:
    """Have plug-ins as if they were installed: where they are such as "package.module:object"."""
    group = _GROUPS[kind]
    _lent[kind] = {name: EntryPoint(name, value, group) for name, value in points.items()}


def is_file(name: str) -> bool:
    """Whether a plug-in is given as the path of a file rather than by name."""
    return name.endswith(".py")


def defined_in(file: str, name: str) -> Any:
    """What a plug-in file defines under this name."""
    if not Path(file).is_file():
        raise UserError(f"file '{file}' does not exist")
    module = _import_file(Path(file).resolve())
    if not hasattr(module, name):
        raise UserError(f"{file} defines no module-level name '{name}': end it with `{name} = ...`")
    return getattr(module, name)


def _import_file(path: Path) -> Any:
    name = f"compare_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py path always has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def source_sha256(plugin: object) -> str:
    """SHA-256 of a plug-in's own source: its file, or all modules of its package."""
    file = sys.modules[type(plugin).__module__].__file__
    assert file is not None  # a plug-in is written in Python
    path = Path(file)
    parts = sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes())
    return digest.hexdigest()
