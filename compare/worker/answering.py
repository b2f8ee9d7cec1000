"""The loop of a worker's process: a command comes over the channel, and its answer goes back.

`python -m compare.worker FD ADAPTER [INPUTS]`; FD is the socket's file descriptor, and there is one
JSON object for each command and for each answer.
"""

import atexit
import ctypes
import faulthandler
import os
import socket
import sys
import traceback
from pathlib import Path
from threading import Event

from compare.conformance.adapter_errors import AdapterError
from compare.contracts.backend import Unsupported
from compare.contracts.loading import install_hint
from compare.errors import UserError, one_line, place_of_error
from compare.worker.channel import STACK_SIGNAL, Channel, Closed, Message
from compare.worker.worker import Worker


def answer_commands(worker: Worker, channel: Channel) -> None:
    """Answer commands until the conductor hangs up."""
    while True:
        try:
            command = channel.receive()
            channel.send(_answer(worker, command))
        except Closed:
            return


def _answer(worker: Worker, command: Message) -> Message:
    method = getattr(worker, command.pop("do"))
    try:
        return {"ok": method(**command)}
    except Unsupported as reason:
        return {"skipped": f"not supported: {reason}"}
    except ModuleNotFoundError as error:
        traceback.print_exc()
        hint = install_hint(worker.adapter, error.name or "") or place_of_error(error)
        return {"skipped": f"{error.name} is not installed: {hint}"}
    except (AdapterError, UserError) as error:
        return {"failed": str(error)}
    except Exception as error:
        traceback.print_exc()  # into the cell's log
        return {"failed": one_line(error)}


def _leave(hung_up: Event) -> None:
    """End without taking all modules apart, which takes a framework a second."""
    if hung_up.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        ctypes.CDLL(None).fflush(None)  # what libraries in C printed and hold back
        os._exit(0)


def main() -> None:
    descriptor, adapter, *rest = sys.argv[1:]
    hung_up = Event()
    atexit.register(_leave, hung_up)  # the first one is called last, after an adapter's own
    faulthandler.register(STACK_SIGNAL, all_threads=False)  # asked for where it hangs
    channel = Channel(socket.socket(fileno=int(descriptor)))
    answer_commands(Worker(adapter, Path(rest[0]) if rest else None), channel)
    hung_up.set()
