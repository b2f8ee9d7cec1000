"""`compare serve`: the pages of a folder of runs, live while one is running."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from compare.commands import completion
from compare.commands.options import where
from compare.errors import UserError
from compare.serving.server import Server

_GENTLE = 10  # a run on the same machine may be being timed


def serve(
    folder: Annotated[
        Path, typer.Argument(help="Folder of runs.", autocompletion=completion.nothing)
    ] = Path("results"),
    host: Annotated[str, where(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, where(min=0, max=65535, help="0 takes a free one.")] = 8642,
) -> None:
    """Show runs in a browser, live while they are played.

    Examples:
    compare serve --port 8642
    """
    if not folder.is_dir():
        raise UserError(f"'{folder}' is no folder")
    server = _listen(folder, host, port)
    with suppress(OSError):
        os.nice(_GENTLE)
    name = f"[{host}]" if ":" in host else host
    print(f"{folder} is on http://{name}:{server.server_port}/ until Ctrl-C", flush=True)
    if not server.is_local:
        print("everybody who reaches this machine can read these runs", flush=True)
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()


def _listen(folder: Path, host: str, port: int) -> "Server":
    try:
        return Server(folder, host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(f"port {port} of {host} is in use: --port takes another") from None
        raise UserError(f"cannot listen on {host}:{port}: {error.strerror}") from None
