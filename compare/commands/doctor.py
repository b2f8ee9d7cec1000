"""`compare doctor`: what is installed, its devices, and why one is missing."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.commands import options
from compare.planning import survey
from compare.plugins import installed


def doctor(
    python: options.Python = None,
) -> None:
    """What is installed, its devices, and why one is missing."""
    pythons = options.interpreters(python)
    table = Table("backend", "versions", "devices", "problem", box=None)
    for label, seen in survey.look_around(installed("backend"), pythons).items():
        versions = ", ".join(f"{library} {v}" for library, v in seen.versions.items())
        table.add_row(*map(Text, (label, versions, ", ".join(seen.devices), seen.problem)))
    Console().print(table)
