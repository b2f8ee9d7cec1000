"""What the kernel tells in files, and what stands for what it does not tell."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

UNAVAILABLE = "unavailable"
CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def contents(path: Path) -> str:
    """Text of one of the kernel's files; empty where there is none, or none for this user."""
    with suppress(OSError):
        return path.read_text()
    return ""


def control_groups(root: Path, membership: str, controller: str) -> Iterator[Path]:
    """The folders of a process's control group and its parents in which a controller's files are.

    `root` is where control groups are mounted, `membership` the text of /proc/PID/cgroup
    (cgroups(7)): version 2 has one hierarchy, version 1 one for each controller.
    """
    for line in membership.splitlines():
        hierarchy, controllers, path = line.split(":", 2)
        if hierarchy == "0":
            mounted = root
        elif controller in controllers.split(","):
            mounted = root / controller
        else:
            continue
        group = mounted / path.lstrip("/")
        for folder in (group, *group.parents):
            yield folder
            if folder == mounted:
                break
