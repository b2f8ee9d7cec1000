"""Loading tasks and backends, by an entry point's name or from a file."""

from pathlib import Path
from typing import cast

from compare.contracts.backend import Backend
from compare.contracts.task import Task
from compare.errors import UserError, one_line, unknown
from compare.plugins import defined_in, installed, is_file


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
        task = defined_in(file, "task")
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"task '{file}' cannot be loaded: {one_line(error)}") from None
    for part in ("name", "settings", "presets", "metrics", "prepare", "quality"):
        if not hasattr(task, part):
            raise UserError(f"task '{file}' cannot be loaded: its task has no '{part}'")
    return cast(Task, task)


def load_backend(name: str) -> Backend:
    """The backend of this name or file. Only workers call it: adapters run in their process.

    An adapter file defines a module-level `backend`. Raises UserError if it does not.
    """
    if not is_file(name):
        return cast(Backend, installed("backend")[name].load())
    return cast(Backend, defined_in(name, "backend"))


def install_hint(name: str, missing: str) -> str:
    """How to install the module that a backend misses: by its package's extra of the module's
    name or else of the backend's, if there is one."""
    point = installed("backend").get(name)
    if point is None or point.dist is None:
        return ""
    extras = point.dist.metadata.get_all("Provides-Extra") or []
    extra = next((extra for extra in (missing, name) if extra in extras), None)
    return f"pip install '{point.dist.name}[{extra}]'" if extra else ""
