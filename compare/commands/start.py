"""What `compare` alone shows: what is installed, what to try, where to read on."""

from importlib.util import find_spec

from compare.commands.tables import say
from compare.contracts.loading import install_hint
from compare.plugins import installed
from compare.version import VERSION


def show() -> None:
    """Print the start page: six lines, none of which takes a framework's import."""
    hints = {name: _missing(name) for name in sorted(installed("backend"))}
    there = ", ".join(name for name, hint in hints.items() if not hint) or "no backend yet"
    missing = [f"{name} is missing: {hint}" for name, hint in hints.items() if hint]
    lines = {
        "installed": "; ".join([there, *missing[:1]]),
        "first run": "compare --task lm --preset tiny",
        "in earnest": "compare --task lm --precision 2% --budget 10m",
        "look up": "compare list, compare doctor, and --help of any command",
        "read": "README.md and docs/, which `make docs` makes a site of",
    }
    say(f"framework-compare {VERSION}: one language model, every framework, trained alike")
    for title, text in lines.items():
        say(f"  {title:11} {text}")


def _missing(backend: str) -> str:
    """How to install the module of a backend's name, if an extra of its package does so, and it is
    not there: found by its name, and not imported."""
    hint = install_hint(backend, backend)
    return hint if hint and find_spec(backend) is None else ""
