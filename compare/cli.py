"""The table of contents of the command line: each command is a file of `commands`."""

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from compare import interrupts, streams
from compare.commands import completion
from compare.commands.audit import audit
from compare.commands.check_backend import check_backend
from compare.commands.diff import diff
from compare.commands.doctor import doctor
from compare.commands.ending import BAD_INPUT
from compare.commands.explain import explain
from compare.commands.export import export
from compare.commands.fair import fair
from compare.commands.generate import generate
from compare.commands.history import history
from compare.commands.list import list_
from compare.commands.point import point
from compare.commands.report import report
from compare.commands.resume import resume
from compare.commands.run import run
from compare.commands.serve import serve
from compare.commands.suite import suite
from compare.errors import UserError, of_system

_CONTROLS = {code: ascii(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        return _grouped(super().get_params(ctx))


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        return _grouped(super().get_params(ctx))


def _grouped(params: list[Any]) -> list[Any]:
    """Options of no group, such as `--help`, stand below the groups, and a flag takes no value."""
    for param in params:
        if getattr(param, "rich_help_panel", "") is None and param.param_type_name == "option":
            param.rich_help_panel = "And"
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


_COMMANDS: dict[str, Callable[..., None]] = {
    "suite": suite, "resume": resume, "point": point, "report": report, "list": list_,
    "doctor": doctor, "audit": audit, "check-backend": check_backend, "generate": generate,
    "explain": explain, "fair": fair, "diff": diff, "export": export, "history": history,
    "serve": serve,
}  # fmt: skip

app = typer.Typer(rich_markup_mode="rich")
app.callback(cls=_Group, invoke_without_command=True)(run)
for _name, _command in _COMMANDS.items():
    app.command(_name, cls=_Command)(_command)


def main() -> None:
    """Entry point: errors that a user caused are one line on stderr and exit code 2."""
    gc.set_threshold(100_000)  # to look for garbage among many summaries takes longer than to read
    streams.prepare()
    interrupts.listen()
    completion.whole_words(os.environ)
    try:
        code = app(standalone_mode=False)
        if code == interrupts.BY_CTRL_C:  # Typer's word for whatever interrupted it
            code = interrupts.exit_code()
        sys.stdout.flush()
    except UserError as error:
        code = _complain(str(error))
    except OSError as error:
        code = _complain(str(of_system(error)))
    except MemoryError as error:
        code = _complain(f"memory ran out: {error}" if str(error) else "memory ran out")
    except TyperException as error:
        code = _complain(_numbers(error) or " ".join(error.format_message().split()))
    except (KeyboardInterrupt, typer.Abort):
        code = interrupts.exit_code()
    with suppress(UserError):  # told once, or less important than what was told
        sys.stdout.flush()
    sys.exit(code)


_TAKEN = {
    "int_parsing": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "a number of {ge:g} or more",
    "less_than_equal": "a number of at most {le:g}",
}


def _numbers(error: TyperException) -> str:
    """What an option wants, where it was given no number or one out of its range."""
    cause, param = error.__cause__, getattr(error, "param", None)
    if not isinstance(cause, ValidationError) or param is None:
        return ""
    first = cause.errors(include_url=False)[0]
    if first["type"] not in _TAKEN:
        return ""
    name = param.opts[0] if param.param_type_name == "option" else f"the argument {param.name}"
    taken = _TAKEN[first["type"]].format(**first.get("ctx", {}))
    return f"{name} takes {taken}, not {first['input']!r}"


def _complain(message: str) -> int:
    """In one line, whatever is in the names that it tells."""
    print(f"compare: {message.translate(_CONTROLS)}", file=sys.stderr)
    return BAD_INPUT
