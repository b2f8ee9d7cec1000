"""On which machines the points of a sweep were played."""

from collections.abc import Iterable

from compare.findings.summary import Summary


def machine_of(summary: Summary) -> str:
    """A machine by its name and kind: what times of two points are only compared within."""
    found = summary.environment
    parts = [found.get("host"), f"{found.get('cpus')} CPUs of {found.get('cpu')}"]
    return ": ".join(filter(None, parts))


def machines_of(played: Iterable[tuple[str, Summary]]) -> dict[str, list[str]]:
    """By machine, the names of the points that were played there."""
    found: dict[str, list[str]] = {}
    for name, summary in played:
        found.setdefault(machine_of(summary), []).append(name)
    return found
