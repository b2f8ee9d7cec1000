"""How commands print: as wide as the terminal, and anywhere else as wide as what is printed."""

import shutil
import sys

from rich.console import Console
from rich.table import Table

_WIDTH_OF_A_PIPE = 400  # nobody's window: leave rows whole


def console() -> Console:
    """For stdout. FORCE_COLOR and NO_COLOR say whether there is colour, COLUMNS how wide a terminal
    is; neither makes a terminal of a file, whose rows stay whole."""
    if not sys.stdout.isatty():
        return Console(width=_WIDTH_OF_A_PIPE, highlight=False)
    size = shutil.get_terminal_size()
    return Console(width=size.columns, height=size.lines, highlight=False)


def print_whole(table: Table) -> None:
    """Print a table as wide as the terminal, or in a pipe as wide as its rows are."""
    console().print(table)
