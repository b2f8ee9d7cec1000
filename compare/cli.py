"""The table of contents of the command line: each command is a file of `commands`."""

import gc
import sys

import typer
from typer.exceptions import TyperException

from compare import interrupts
from compare.commands.audit import audit
from compare.commands.check_backend import check_backend
from compare.commands.diff import diff
from compare.commands.doctor import doctor
from compare.commands.ending import BAD_INPUT
from compare.commands.export import export
from compare.commands.generate import generate
from compare.commands.history import history
from compare.commands.list import list_
from compare.commands.report import report
from compare.commands.resume import resume
from compare.commands.run import run
from compare.commands.serve import serve
from compare.commands.suite import suite
from compare.errors import NO_ROOM, UserError, cannot_write

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

app.callback(invoke_without_command=True)(run)
app.command()(suite)
app.command()(resume)
app.command()(report)
app.command("list")(list_)
app.command()(doctor)
app.command()(audit)
app.command()(check_backend)
app.command()(generate)
app.command()(diff)
app.command()(export)
app.command()(history)
app.command()(serve)


def main() -> None:
    """Entry point: errors that a user caused are one line on stderr and exit code 2."""
    gc.set_threshold(100_000)  # to look for garbage among many summaries takes longer than to read
    interrupts.listen()
    try:
        code = app(standalone_mode=False)
    except UserError as error:
        code = _complain(str(error))
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        code = _complain(str(cannot_write(error.filename, error)))
    except TyperException as error:
        code = _complain(" ".join(error.format_message().split()))
    except (KeyboardInterrupt, typer.Abort):
        code = interrupts.exit_code()
    sys.exit(code)


def _complain(message: str) -> int:
    print(f"compare: {message}", file=sys.stderr)
    return BAD_INPUT
