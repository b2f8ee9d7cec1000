"""What another interpreter is told, so that a worker runs there on the suite's own code."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from compare.plugins import installed

_OWN = __name__.partition(".")[0]


def worker_command(python: str) -> list[str]:
    """How a worker is started in another interpreter, all but its arguments."""
    return [python, "-P", str(Path(__file__).with_name("bare.py")), _where()]


@cache
def _where() -> str:
    """The files of this suite, and of the packages that installed backends are in, by module."""
    backends = {name: point.value for name, point in installed("backend").items()}
    modules = {_OWN: _file_of(_OWN)}
    for value in backends.values():
        top, *below = value.partition(":")[0].split(".")
        # Our own plug-ins may lie elsewhere than the core; to look into others would import them.
        name = ".".join([top, *below[:1]]) if top == _OWN else top
        modules[name] = _file_of(name)
    found = {name: file for name, file in modules.items() if file}
    return json.dumps({"modules": found, "backends": backends})


def _file_of(module: str) -> str:
    spec = find_spec(module)
    return spec.origin or "" if spec else ""
