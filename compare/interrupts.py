"""Being asked to stop: by Ctrl-C, by a batch system's time limit, by a terminal that closes."""

import signal
from types import FrameType

_received = signal.SIGINT


def listen() -> None:
    """From now on SIGTERM and SIGHUP interrupt as Ctrl-C does, so that workers are ended and what
    was measured is reported; what is ignored, as under nohup, stays so."""
    for one in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(one) is signal.SIG_DFL:
            signal.signal(one, _stop)


def exit_code() -> int:
    """Of a process that was interrupted: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP."""
    return 128 + _received


def _stop(number: int, frame: FrameType | None) -> None:
    global _received
    _received = signal.Signals(number)
    raise KeyboardInterrupt
