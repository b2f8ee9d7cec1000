"""How commands print: as wide as the terminal, and anywhere else as wide as what is printed."""

import shutil
import sys

from rich.console import Console
from rich.table import Table

_WIDTH_OF_A_PIPE = 400  # nobody's window: leave rows whole


def console() -> Console:
    """For stdout. FORCE_COLOR and NO_COLOR say whether there is colour, COLUMNS how wide a terminal
    is; neither makes a terminal of a file, whose rows stay whole."""
    size = shutil.get_terminal_size()  # to rich any dumb terminal is 80 wide, if it is not told
    width = size.columns if sys.stdout.isatty() else _WIDTH_OF_A_PIPE
    return Console(width=width, height=size.lines, highlight=False)


def print_whole(table: Table) -> None:
    """Print a table as wide as the terminal, or in a pipe as wide as its rows are."""
    console().print(table)
