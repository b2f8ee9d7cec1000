"""Messages between the conductor and a worker: one JSON object per line over a socket pair.

The channel is the worker's own; stdout and stderr belong to the frameworks.
"""

import json
import signal
import socket
import time
from typing import Any

Message = dict[str, Any]

STACK_SIGNAL = signal.SIGUSR1
"""On it a worker writes into its log where it is, even while it hangs."""


class Closed(Exception):
    """The other side is gone."""


class Late(Exception):
    """No answer came before the deadline."""


class Channel:
    """One end of the pair. float64 passes exactly, NaN and infinity as Python writes them."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._pending = b""

    def send(self, message: Message) -> None:
        try:
            self._socket.settimeout(None)
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Closed from error

    def receive(self, timeout: float | None = None) -> Message:
        """The next message; raises Late after `timeout` seconds and Closed at the end."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._pending:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Late
            self._socket.settimeout(left)
            try:
                chunk = self._socket.recv(1 << 16)
            except TimeoutError as error:
                raise Late from error
            except OSError as error:
                raise Closed from error
            if not chunk:
                raise Closed
            self._pending += chunk
        line, self._pending = self._pending.split(b"\n", 1)
        message: Message = json.loads(line)
        return message

    def fileno(self) -> int:
        """So that several can be waited for."""
        return self._socket.fileno()

    def has_message(self) -> bool:
        """Whether a whole one has been read already, with the one before it."""
        return b"\n" in self._pending

    def close(self) -> None:
        self._socket.close()
