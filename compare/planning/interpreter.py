"""Why an interpreter that `--python` names cannot run a worker."""

import subprocess

from compare.limits import HELLO_SECONDS

LEAST = (3, 11)
NEEDED = ("numpy", "pydantic", "psutil", "threadpoolctl")
"""Libraries of a worker, beside its framework"""
_VERSION = "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"  # Python 2 can run it


def problem_of(python: str) -> str:
    """What is wrong with an interpreter, with the remedy; empty where nothing is."""
    version = _said(python, _VERSION)
    if version is None:
        return f"'{python}' is no Python"
    if tuple(map(int, version.split("."))) < LEAST:
        least = ".".join(map(str, LEAST))
        return f"'{python}' is Python {version}: the suite needs {least} or newer"
    missing = [name for name in NEEDED if _said(python, f"import {name}") is None]
    if missing:
        return f"'{python}' has no {', '.join(missing)}: {python} -m pip install {' '.join(NEEDED)}"
    return ""


def _said(python: str, code: str) -> str | None:
    """What it prints, in a folder where nothing is found by chance; None where it fails."""
    try:
        finished = subprocess.run(
            [python, "-c", code], cwd="/", capture_output=True, text=True, timeout=HELLO_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    numbers = finished.returncode == 0 and (code != _VERSION or _is_version(finished.stdout))
    return finished.stdout if numbers else None


def _is_version(text: str) -> bool:
    return all(part.isdigit() for part in text.split(".")) and text.count(".") == 1
