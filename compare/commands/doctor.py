"""`compare doctor`: what is installed, its devices, why one is missing, what else is running."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from compare.commands import options
from compare.commands.tables import print_whole, say
from compare.findings.number_text import count_of
from compare.meters.processes import ProcessLoad, busy_processes
from compare.meters.threads import default_threads, usable_cpus
from compare.planning import survey
from compare.planning.fields import listed
from compare.planning.spelling import interpreter_of_each, with_tagged
from compare.plugins import installed


def doctor(
    python: options.Python = None,
) -> None:
    """What is installed, its devices, why one is missing, and what else is running.

    Examples:
    compare doctor
    """
    given = options.interpreters(python)
    names = [name for name, _ in with_tagged([(name, "") for name in installed("backend")], given)]
    pythons = interpreter_of_each(given, names)
    busy = busy_processes()  # before the frameworks are asked, which takes CPUs
    found = survey.look_around(names, pythons)
    table = Table(box=None)
    table.add_column("backend", no_wrap=True, min_width=max(map(len, found), default=0))
    for title in ("versions", "devices", "problem"):
        table.add_column(title, overflow="fold")
    for label, seen in found.items():
        versions = ", ".join(f"{library} {v}" for library, v in seen.versions.items())
        table.add_row(*map(Text, (label, versions, ", ".join(seen.devices), seen.problem)))
    print_whole(table)
    say(f"{_cpus()}; {in_words(busy)}")
    say(what_can_be_done(found))


def _cpus() -> str:
    usable, threads = usable_cpus(), default_threads()
    text = count_of(usable, "CPU")
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


def what_can_be_done(found: Mapping[str, survey.Seen]) -> str:
    """The sentence that the doctor ends with: who can be raced here, on what, and by what words."""
    able: dict[str, set[str]] = {}  # kinds of devices by backend
    for label, seen in found.items():
        if not seen.problem and not seen.oracle:
            kinds = {device.partition(":")[0] for device in seen.devices}
            able.setdefault(label.partition(":")[0], set()).update(kinds)
    missing = [f"{label}: {seen.problem}" for label, seen in found.items() if seen.problem]
    if not able:
        return f"Nothing can be raced here yet: {missing[0] if missing else 'no backend is there'}."
    names = listed(able, "and")
    common = sorted(set.intersection(*able.values())) or ["what each of them sees"]
    on = listed(common, "or")
    if len(able) == 1:
        more = f", and raced once another one is installed: {missing[0]}" if missing else ""
        return f"Here {names} can be trained and measured on {on}{more}."
    return f"Here {names} can be raced on {on}, as by: compare --task lm --precision 2%"
