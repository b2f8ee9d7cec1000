"""The pictures of the pages: `python docs/pictures.py` takes them anew of the committed runs.

Terminals are drawn as SVG from what the command prints; pages are photographed in Chromium.
"""

import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from io import StringIO
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
RUNS = HERE.parent / "results" / "reference"
PICTURES = HERE / "pictures"
_COLUMNS = 78
_WIDTH, _HEIGHT = 1280, 800

TERMINALS = {
    "lm": "lm-small",
    "gpt": "gpt-pydoc",
    "translation": "suite/translation-small-d6e4aac7",
    "sentiment": "sentiment-learns",
}


def draw(name: str, run: str) -> None:
    """The report of a run at 78 columns, as a picture."""
    console = Console(record=True, width=_COLUMNS + 2, file=StringIO(), force_terminal=True)
    console.print(Text(f"$ compare report results/reference/{run}", style="dim"))
    with tempfile.TemporaryDirectory() as scratch:
        console.print(Text.from_ansi(_on_a_terminal(["report", str(RUNS / run), "--out", scratch])))
    (PICTURES / f"terminal-{name}.svg").write_text(console.export_svg(title=""), "utf-8")


def _on_a_terminal(arguments: list[str]) -> str:
    """What a command prints where stdout is a terminal; without where it wrote to."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
    command = [sys.executable, "-P", "-m", "compare", *arguments]
    env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    with subprocess.Popen(command, stdout=theirs, env={**env, "TERM": "xterm-256color"}):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the end of a terminal
            while read := os.read(ours, 65536):
                shown += read
    os.close(ours)
    lines = shown.decode().replace("\r\n", "\n").splitlines()
    return "\n".join(line for line in lines if "Report: " not in line)


def photograph(page: Page, run: str, name: str, anchor: str = "") -> None:
    """The first screen of a run's page, or the screen at one of its sections, light and dark."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["report", str(RUNS / run), "--format", "html", "--out", scratch]
        # Its exit code tells how the run went.
        subprocess.run(
            [sys.executable, "-P", "-m", "compare", *command],
            stdout=subprocess.DEVNULL,
            check=False,
        )
        in_both_schemes(page, Path(scratch) / "report.html", name, anchor)


def in_both_schemes(page: Page, file: Path, name: str, anchor: str = "") -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        if anchor:
            page.locator(anchor).scroll_into_view_if_needed()
            page.locator(anchor).screenshot(path=PICTURES / f"{name}-{scheme}.png")
        else:
            page.screenshot(path=PICTURES / f"{name}-{scheme}.png")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    for name, run in TERMINALS.items():
        draw(name, run)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        photograph(page, "lm-small", "page")
        photograph(page, TERMINALS["translation"], "page-translation")
        photograph(page, "sweep", "page-sweep")
        photograph(page, "mitigation", "page-front", "#figure-front-fair")
        photograph(page, "ranks", "page-ranks", "#figure-efficiency")
        in_both_schemes(page, RUNS / "sentiment-learns" / "explain.html", "page-explain")
        browser.close()


if __name__ == "__main__":
    main()
