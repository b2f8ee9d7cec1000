"""How commands print tables."""

from rich.console import Console
from rich.table import Table

_WIDTH_OF_A_PIPE = 400  # nobody's window: leave rows whole


def print_whole(table: Table) -> None:
    """Print a table as wide as the terminal, or in a pipe as wide as its rows are."""
    console = Console()
    (console if console.is_terminal else Console(width=_WIDTH_OF_A_PIPE)).print(table)
