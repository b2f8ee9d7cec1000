"""The table of contents of the command line: each command is a file of `commands`."""

import gc
import sys
from contextlib import suppress

import typer
from typer.exceptions import TyperException

from compare import interrupts, streams
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
from compare.errors import UserError, of_system

_CONTROLS = {code: ascii(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

app.callback(invoke_without_command=True)(run)
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
    streams.prepare()
    interrupts.listen()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        code = _complain(str(error))
    except OSError as error:
        code = _complain(str(of_system(error)))
    except MemoryError as error:
        code = _complain(f"memory ran out: {error}" if str(error) else "memory ran out")
    except TyperException as error:
        code = _complain(" ".join(error.format_message().split()))
    except (KeyboardInterrupt, typer.Abort):
        code = interrupts.exit_code()
    with suppress(UserError):  # told once, or less important than what was told
        sys.stdout.flush()
    sys.exit(code)


def _complain(message: str) -> int:
    """In one line, whatever is in the names that it tells."""
    print(f"compare: {message.translate(_CONTROLS)}", file=sys.stderr)
    return BAD_INPUT
