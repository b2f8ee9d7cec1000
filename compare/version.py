"""The version of this suite."""

import subprocess
from pathlib import Path

VERSION = "0.3.0"


def commit() -> str:
    """The commit of the checkout that this runs from, with a plus where files were changed; empty
    where it is no checkout, or git cannot tell."""
    root = Path(__file__).parent.parent
    if not (root / ".git").exists():
        return ""
    described = ["git", "-C", str(root), "describe", "--always", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(
            [*described, "--dirty=+"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
