"""Playing a job on this machine, in a process of its own, in a folder that is gone afterwards."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from compare import interrupts
from compare.cluster.contract import Job, Played
from compare.cluster.packing import packed, unpack
from compare.records.sweep_folder import MANIFEST, Sweep

_LONGEST_SAID = 2000  # characters of what it said last


class Player:
    """Plays one job after the other; `stop` may be called from another thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def play(self, job: Job, environment: Mapping[str, str]) -> Played:
        """Play a job with these environment variables, and no others."""
        with tempfile.TemporaryDirectory(prefix="compare-") as scratch:
            sweep = Path(scratch, job.sweep)
            sweep.mkdir()
            (sweep / MANIFEST).write_bytes(job.manifest)
            if job.begun:
                unpack(job.begun, sweep / job.point)
            with tempfile.TemporaryFile() as errors:
                arguments = ["point", str(sweep), "1", "--quiet"]
                code = self._run(arguments, _working_folder(job) or scratch, environment, errors)
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()[-_LONGEST_SAID:]
            return Played(code, said if code else "", packed(sweep / job.point))

    def stop(self) -> None:
        """Interrupt what is being played, and play nothing more."""
        self._stopped = True
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def _run(
        self, arguments: list[str], folder: str, environment: Mapping[str, str], errors: IO[bytes]
    ) -> int:
        if self._stopped:
            return 128 + signal.SIGTERM
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "compare", *arguments],
            cwd=folder,
            env={**environment, interrupts.PARENT: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # Ctrl-C comes by `stop`
        )
        self._process = process
        interrupts.process_groups.add(process.pid)
        try:
            if self._stopped:  # meanwhile
                process.terminate()
            return process.wait()
        finally:
            with suppress(ProcessLookupError):  # nothing that it started outlives it
                os.killpg(process.pid, signal.SIGKILL)
            interrupts.process_groups.discard(process.pid)


def _working_folder(job: Job) -> str:
    """The folder in which paths were typed, if this machine has it."""
    folder = Sweep.model_validate_json(job.manifest).request.folder
    return folder if folder and Path(folder).is_dir() else ""
