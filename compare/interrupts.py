"""Being asked to stop: by Ctrl-C, by a batch system's time limit, by a terminal that closes, by the
end of whoever started this process on another machine."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_AGAIN = 0.5  # seconds: `timeout` sends its signal twice at once, and means it once
_SHOW_CURSOR = b"\x1b[?25h"

PARENT = "COMPARE_PARENT"
"""Environment variable with the PID of a process that this one is not to outlive"""

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2); Linux alone has it

BY_CTRL_C = 128 + signal.SIGINT
"""The exit code of a process that Ctrl-C ended"""

process_groups: set[int] = set()
"""What this process has started, to be ended with it."""

_received: signal.Signals | None = None
_at = 0.0


def listen() -> None:
    """From now on SIGTERM and SIGHUP interrupt as Ctrl-C does, so that workers are ended and what
    was measured is reported; what is ignored, as under nohup, stays so. Who is asked once more ends
    at once, and with it all that it has started."""
    usual = (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    )
    for one, handler in usual:
        if signal.getsignal(one) is handler:
            signal.signal(one, _stop)
    if parent := os.environ.pop(PARENT, ""):
        _end_with(int(parent))


def _end_with(parent: int) -> None:
    """SIGTERM comes when the parent dies, however that may be, and now if it has already."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(128 + signal.SIGTERM)


def exit_code() -> int:
    """Of a process that was interrupted: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP."""
    return 128 + (_received or signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    global _received, _at
    if _received is None:
        _received, _at = signal.Signals(number), time.monotonic()
        raise KeyboardInterrupt
    if time.monotonic() - _at > _AGAIN:
        _end_at_once()


def end_groups() -> None:
    """End all that this process has started, now."""
    for group in list(process_groups):
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def _end_at_once() -> NoReturn:
    end_groups()
    with suppress(OSError):
        if os.isatty(2):  # where progress is drawn, it is hidden
            os.write(2, _SHOW_CURSOR)
    os._exit(exit_code())
