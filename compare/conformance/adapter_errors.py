"""What is wrong with an adapter, in one line with the file and line of its own code."""

import inspect
from typing import Any

from compare.contracts.backend import Backend, Trainer


class AdapterError(Exception):
    """An adapter does not fit the contract; the message is complete as it is."""


def require_backend(backend: Any, name: str) -> None:
    """Raise AdapterError unless `backend` has all that a `Backend` has."""
    for attribute in ("name", "modes"):
        if not hasattr(backend, attribute):
            raise AdapterError(f"the backend of {name} has no attribute '{attribute}'")
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


def place_of(thing: Any) -> str:
    """(file:line) where a class or function is defined; nothing where that is not known."""
    try:
        return f" ({inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]})"
    except (OSError, TypeError):
        return ""
