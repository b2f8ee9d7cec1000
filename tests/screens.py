"""What a command prints on a terminal of some width: through a real pseudo-terminal."""

import re
import shlex
import subprocess
from pathlib import Path

from conftest import command, environment

_LINKS = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\")
_STYLES = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def screen(folder: Path, width: int, *arguments: str) -> str:
    """As it is read, without colours and links."""
    return _STYLES.sub("", _LINKS.sub("", sent(folder, width, *arguments)))


def sent(folder: Path, width: int, *arguments: str) -> str:
    """Everything that a terminal gets."""
    line = f"stty cols {width}; {shlex.join(command(*arguments))}"
    shown = subprocess.run(
        ["script", "-qec", line, "/dev/null"],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return shown.stdout.replace("\r\n", "\n")
