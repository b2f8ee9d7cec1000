"""The training step in each library that Keras runs on, as Keras's own guides write it.

Each module has `set_up(threads)`, `set_precision(name)`, `devices()` and a class `Steps`.
"""

from importlib import import_module
from types import ModuleType


def steps_for(mode: str) -> ModuleType:
    """The module for the library that `mode` names; importing it imports the library."""
    return import_module(f".on_{mode}", __name__)
