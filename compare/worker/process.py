"""The conductor's side of one worker: start it, ask it, and survive whatever becomes of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from compare import interrupts
from compare.errors import is_own_code
from compare.limits import HELLO_SECONDS
from compare.meters.machine import worker_environment
from compare.records.record_types import Status
from compare.worker.channel import STACK_SIGNAL, Channel, Closed, Late, Message
from compare.worker.elsewhere import worker_command

HELLO = "hello"
_TAIL_LINES = 12
_PATIENCE = 5.0  # seconds for a process to end after its channel closed
_SECONDS_FOR_A_STACK = 0.5
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', flags=re.MULTILINE)


class CellEnded(Exception):
    """A cell cannot go on: skipped or failed, with the reason in one line."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class WorkerProcess:
    """A worker process with a channel of its own; its output goes to `log`."""

    def __init__(
        self,
        adapter: str,
        python: str | None,
        inputs: Path | None,
        log: Path,
        sockets: Sequence[socket.socket] = (),
        without: Container[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        """`sockets` are the worker's too, under the same numbers; `without` are variables that its
        environment is not to have; `within` is what its command begins with, such as that which
        enters another network namespace, and becomes the worker."""
        ours, theirs = socket.socketpair()
        self.log = log
        own = [sys.executable, "-P", "-m", "compare.worker"]
        worker = worker_command(python) if python else own
        command = [*within, *worker, str(theirs.fileno()), adapter]
        command += [str(inputs)] if inputs else []
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env={n: v for n, v in worker_environment().items() if n not in without},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno(), *(one.fileno() for one in sockets)],
                start_new_session=True,  # Ctrl-C is the conductor's to handle
            )
        interrupts.process_groups.add(self.pid)
        theirs.close()
        self.channel = Channel(ours)
        self.died = False  # by itself, without an answer
        self.ran_out_of_memory = False  # as far as can be told

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        return [self.pid]

    def ask(self, do: str, timeout: float, **arguments: Any) -> Message:
        """The worker's answer to one command; raises CellEnded if it cannot give one.

        A worker that is late is killed.
        """
        self.tell(do, **arguments)
        return self.answer(do, timeout)

    def tell(self, do: str, **arguments: Any) -> None:
        """Ask without waiting: `answer` is to be called for it, in the order of what was told."""
        with suppress(Closed):  # which `answer` finds too
            self.channel.send({"do": do, **arguments})

    def answer(self, do: str, timeout: float) -> Message:
        """The answer to a command that it was told; raises CellEnded as `ask` does."""
        try:
            answer = self.channel.receive(timeout)
        except Late:
            place = self.where_it_is()
            self.kill()
            reason = f"no answer to '{do}' within {timeout:g} s: killed{place}"
            raise CellEnded("failed", reason) from None
        except Closed:
            self.died = True
            raise CellEnded("failed", f"worker {self._how_it_ended()} during '{do}'") from None
        if "ok" in answer:
            done: Message = answer["ok"]
            return done
        status: Status = "skipped" if "skipped" in answer else "failed"
        raise CellEnded(status, answer[status])

    def hello(self) -> Message:
        """Who the adapter says it is; its framework is not imported yet."""
        return self.ask(HELLO, HELLO_SECONDS)

    def hang_up(self) -> None:
        """Tell the worker that it may end, without waiting for it."""
        self.channel.close()

    def stop(self) -> None:
        """End the worker: politely by hanging up, then for certain."""
        self.hang_up()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        self._end_group()

    def kill(self) -> None:
        """End the worker and whatever it started, now."""
        self._end_group()
        self.channel.close()
        self._process.wait()

    def _end_group(self) -> None:
        """Nothing that the worker started outlives it: its session is its own."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        interrupts.process_groups.discard(self.pid)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def log_tail(self) -> str:
        """The last lines that the worker printed."""
        text = self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])

    def where_it_is(self) -> str:
        """at file:line, as the worker's faulthandler tells; nothing where it does not."""
        known = len(self.log.read_bytes())
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, STACK_SIGNAL)
        time.sleep(_SECONDS_FOR_A_STACK)
        told = self.log.read_bytes()[known:].decode(errors="replace")
        frames = [f"{file}:{line}" for file, line in _FRAME.findall(told)]  # the innermost first
        own = [frame for frame in frames if is_own_code(frame)]
        return f" at {(own or frames)[0]}" if frames else ""

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its channel"
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name
        self.ran_out_of_memory = name == "SIGKILL"
        memory = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        return f"was killed by {name}{memory}"
