"""`compare doctor`: what is installed, its devices, why one is missing, what else is running."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from compare.commands import options
from compare.meters.processes import ProcessLoad, busy_processes
from compare.meters.threads import default_threads, usable_cpus
from compare.planning import survey
from compare.planning.spelling import interpreter_of_each
from compare.plugins import installed


def doctor(
    python: options.Python = None,
) -> None:
    """What is installed, its devices, why one is missing, and what else is running."""
    pythons = interpreter_of_each(options.interpreters(python), installed("backend"))
    busy = busy_processes()  # before the frameworks are asked, which takes CPUs
    table = Table("backend", "versions", "devices", "problem", box=None)
    for label, seen in survey.look_around(installed("backend"), pythons).items():
        versions = ", ".join(f"{library} {v}" for library, v in seen.versions.items())
        table.add_row(*map(Text, (label, versions, ", ".join(seen.devices), seen.problem)))
    Console().print(table)
    print(f"{_cpus()}; {in_words(busy)}")


def _cpus() -> str:
    usable, threads = usable_cpus(), default_threads()
    text = f"{usable} CPU{'s' * (usable != 1)}"
    return text if threads == usable else f"{text}, of which a quota grants {threads}"


def in_words(busy: list[ProcessLoad]) -> str:
    """What runs beside, and what to do about it, in a sentence."""
    if not busy:
        return "nothing else is running: rates that are taken now are the run's own"
    used = sum(one.cpus for one in busy)
    named = ", ".join(
        f"{one.name}{' (a worker of another run)' if one.is_worker else ''} {one.cpus:.2f}"
        for one in busy[:5]
    )
    more = f" and {len(busy) - 5} more" if len(busy) > 5 else ""
    return (
        f"other processes use {used:.2f} of them ({named}{more}): rates that are taken now would"
        " not be the run's own; wait for them, or leave them room with --threads 1"
    )
