"""Finding backends, tasks, report formats and exporters, through entry points or a file path.

The core knows the four groups and no member of them: built-in plug-ins are declared in
pyproject.toml exactly as an outsider's would be.
"""

import hashlib
import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, cast

from compare.contracts import Backend, Exporter, ReportFormat, Task
from compare.errors import UserError, one_line, unknown

Kind = Literal["backend", "task", "report", "export"]
_GROUPS: dict[Kind, str] = {
    "backend": "compare.backends",
    "task": "compare.tasks",
    "report": "compare.reports",
    "export": "compare.exports",
}


def installed(kind: Kind) -> dict[str, EntryPoint]:
    """Entry points of one kind by name, none of them loaded."""
    return {point.name: point for point in entry_points(group=_GROUPS[kind])}


def is_file(name: str) -> bool:
    """Whether a plug-in is given as the path of a file rather than by name."""
    return name.endswith(".py")


def check_backend_name(name: str) -> None:
    """Raise UserError unless `name` is an installed backend or an adapter file that exists."""
    if is_file(name):
        if not Path(name).is_file():
            raise UserError(f"adapter file '{name}' does not exist")
    elif name not in installed("backend"):
        raise unknown("backend", name, installed("backend"))


def load_task(name: str) -> Task:
    """The task of this name, or of a file that defines a module-level `task`.

    Raises UserError with the nearest names, or if the file does not define it.
    """
    if is_file(name):
        return _task_in(name)
    points = installed("task")
    if name not in points:
        raise unknown("task", name, points)
    return cast(Task, points[name].load())


def _task_in(file: str) -> Task:
    try:
        task = _defined_in(file, "task")
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"task '{file}' cannot be loaded: {one_line(error)}") from None
    for part in ("name", "settings", "presets", "metrics", "prepare", "quality"):
        if not hasattr(task, part):
            raise UserError(f"task '{file}' cannot be loaded: its task has no '{part}'")
    return cast(Task, task)


def load_reports() -> list[ReportFormat]:
    """Every installed report format, in the order of their names."""
    points = installed("report")
    return [cast(ReportFormat, points[name].load()) for name in sorted(points)]


def load_exporter(name: str) -> Exporter:
    """The exporter of this name; raises UserError with the nearest names."""
    points = installed("export")
    if name not in points:
        raise unknown("export", name, points)
    return cast(Exporter, points[name].load())


def load_backend(name: str) -> Backend:
    """The backend of this name or file. Only workers call it: adapters run in their process.

    An adapter file defines a module-level `backend`. Raises UserError if it does not.
    """
    if not is_file(name):
        return cast(Backend, installed("backend")[name].load())
    return cast(Backend, _defined_in(name, "backend"))


def _defined_in(file: str, name: str) -> Any:
    """What a plug-in file defines under this name."""
    if not Path(file).is_file():
        raise UserError(f"file '{file}' does not exist")
    module = _import_file(Path(file).resolve())
    if not hasattr(module, name):
        raise UserError(f"{file} defines no module-level name '{name}'")
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


def install_hint(name: str, missing: str) -> str:
    """How to install the module that a backend misses: by its package's extra of the module's
    name or else of the backend's, if there is one."""
    point = installed("backend").get(name)
    if point is None or point.dist is None:
        return ""
    extras = point.dist.metadata.get_all("Provides-Extra") or []
    extra = next((extra for extra in (missing, name) if extra in extras), None)
    return f"pip install '{point.dist.name}[{extra}]'" if extra else ""
