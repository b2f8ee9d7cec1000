"""What is wrong with an adapter, in one line with the file and line of its own code."""

import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from compare.contracts.backend import Backend, DeviceMemory, Trainer
from compare.errors import one_line
from compare.plugins import is_file


class AdapterError(Exception):
    """An adapter does not fit the contract; the message is complete as it is."""


def require_backend(backend: Any, adapter: str) -> None:
    """Raise AdapterError unless `backend` has all that a `Backend` has, and is called as its
    adapter is, which is an entry point's name or a file."""
    who = f"the backend of {adapter}"
    if isinstance(backend, type):
        example = f"`backend = {backend.__name__}()`"
        raise AdapterError(
            f"{who} is the class {backend.__name__}, expected an instance: {example}"
            f"{place_of(backend)}"
        )
    if isinstance(backend, ModuleType):
        example = f"{backend.__name__}:backend"
        raise AdapterError(
            f"{who} is the module {backend.__name__}, expected what it defines: {example}"
        )
    place = place_of(type(backend))
    for attribute, example in (("name", "'mine'"), ("modes", "('eager',)"), ("oracle", "False")):
        if not hasattr(backend, attribute):
            remedy = f"add `{attribute} = {example}`"
            raise AdapterError(f"{who} has no attribute '{attribute}': {remedy}{place}")
    modes = backend.modes
    if isinstance(modes, str) or not modes or not all(isinstance(mode, str) for mode in modes):
        remedy = "expected a tuple of names such as ('eager',)"
        raise AdapterError(f"{who} has modes = {modes!r}, {remedy}{place}")
    wanted = Path(adapter).stem if is_file(adapter) else adapter
    if backend.name != wanted:
        remedy = f"expected '{wanted}', as the {'file' if is_file(adapter) else 'entry point'}"
        raise AdapterError(f"{who} has name = {backend.name!r}, {remedy}{place}")
    _require_methods(backend, Backend)


def require_trainer(trainer: Any) -> None:
    """Raise AdapterError unless `trainer` has all that a `Trainer` has."""
    _require_methods(trainer, Trainer)


def _require_methods(plugin: Any, contract: type) -> None:
    for name, method in vars(contract).items():
        wanted = inspect.isfunction(method) and not name.startswith("_")
        if wanted and not callable(getattr(plugin, name, None)):
            place = place_of(type(plugin))
            raise AdapterError(f"{type(plugin).__name__} lacks the method {name}(){place}")


def wrong_answer(method: Any, problem: str) -> AdapterError:
    """The error for a method of an adapter that returned something of the wrong form."""
    return AdapterError(f"{method.__qualname__} {problem}{place_of(method)}")


def peak_bytes(trainer: Trainer) -> int | None:
    """What `memory()` tells; raises AdapterError where it is not a `DeviceMemory`."""
    found = trainer.memory()
    if not isinstance(found, DeviceMemory):
        problem = f"returned {found!r}, expected a DeviceMemory (one that knows nothing is empty)"
        raise wrong_answer(trainer.memory, problem)
    peak = found.peak_bytes
    if not (peak is None or (isinstance(peak, int) and peak >= 0)):
        raise wrong_answer(trainer.memory, f"has peak_bytes = {peak!r}, expected bytes or None")
    return peak


def told(error: Exception, backend: Backend) -> str:
    """An exception in one line: its first line, and its last, where frameworks tell what it was;
    and the innermost place in the adapter's own files."""
    text = str(error).strip().splitlines()
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if _is_of(frame.filename, backend)
    ]
    if not own or not text:
        return one_line(error)
    message = text[0] if len(text) == 1 else f"{text[0].strip()} ... {text[-1].strip()}"
    return f"{type(error).__name__}: {message} ({own[-1].filename}:{own[-1].lineno})"


def _is_of(filename: str, backend: Backend) -> bool:
    """Whether a file is the adapter's: its module, or one of its package."""
    module = sys.modules[type(backend).__module__].__file__ or ""
    if Path(module).name == "__init__.py":
        return Path(filename).is_relative_to(Path(module).parent)
    return filename == module


def place_of(thing: Any) -> str:
    """(file:line) where a class or function is defined; nothing where that is not known."""
    try:
        return f" ({inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]})"
    except (OSError, TypeError):
        return ""
