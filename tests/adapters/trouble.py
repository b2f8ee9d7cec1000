"""The reference backend with something wrong: each mode is one way of going wrong."""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from compare.contracts import Array, Batch, Batches, CompilerPlan, Device, Trainer, Unsupported
from compare.contracts.loading import load_backend
from compare.spec import Experiment

HELD = 300_000_000  # bytes
TAKEN = 8 * 2**20  # bytes
AFTER = 10  # steps that go well before trouble starts
TRAINED, WAITING, GO_ON = Path("trained"), Path("waiting"), Path("go_on")


class Everlasting:
    """Held by a module, as what a framework keeps, and slow to be taken apart."""

    def __del__(self) -> None:
        print("taken apart", flush=True)
        time.sleep(2)


def burn(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


class TroubledTrainer:
    def __init__(self, inner: Trainer, mode: str) -> None:
        self.inner, self.mode, self.steps = inner, mode, 0
        self.is_first = not TRAINED.exists()
        self.taken: list[bytes] = []
        self.child: subprocess.Popen[bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        if name == "compiler_plan" and self.mode == "plans_badly":
            return self.plan
        return getattr(self.inner, name)

    def logits(self, batch: Batch) -> Array:
        found = self.inner.logits(batch)
        if self.mode == "half_precision_logits":
            return found.astype(np.float16)
        return found

    def plan(self, batch: Batch) -> CompilerPlan:
        raise RuntimeError("no plan")

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        self.steps += len(learning_rates)
        if self.mode == "wrong_rate":
            learning_rates = learning_rates * 1.01
        if self.mode in ("loses_its_device", "second_grows"):
            TRAINED.touch()
        losses = self.inner.train(batches, learning_rates)
        if self.mode == "leaks":
            self.taken.append(b"x" * TAKEN)
        if self.mode == "slightly_off":
            return losses * (1 + 2e-5)
        if self.steps <= AFTER:
            return losses
        match self.mode:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exits":
                print("the framework's last words")
                os._exit(3)
            case "hangs":
                time.sleep(1000)
            case "out_of_memory":
                raise MemoryError("cannot allocate 8 GiB")
            case "raises":
                raise RuntimeError("<script>alert(1)</script> | a\nsecond line")
            case "few_losses":
                return losses[:-1]
            case "nan":
                return losses * float("nan")
            case "has_a_child":  # which holds memory, as a framework's own workers may
                hold = f"held = b'x' * {HELD}; import time; time.sleep(1000)"
                self.child = self.child or subprocess.Popen([sys.executable, "-c", hold])
                time.sleep(0.3)
            case "returns_early":  # and goes on computing, as an asynchronous device would
                Thread(target=burn, args=(0.5,), daemon=True).start()
            case "slow":
                time.sleep(0.2)
            case "grows" if self.steps > AFTER + 2:
                pass
            case "second_grows" if self.is_first or self.steps > AFTER + 2:
                pass
            case "grows" | "second_grows":
                self.taken.append(b"x" * TAKEN)
            case "second_waits":  # the first process that trains here does not
                TRAINED.touch()
                while not self.is_first and not GO_ON.exists():
                    WAITING.touch()
                    time.sleep(0.02)
        return losses


class Trouble:
    name = "trouble"
    modes = (
        "none", "wrong_rate", "slightly_off", "killed", "exits", "hangs", "out_of_memory", "raises",
        "few_losses", "nan", "slow", "grows", "second_grows", "leaks", "second_waits",
        "plans_badly", "missing", "unsupported", "gpu_only", "has_a_child", "half_precision_logits",
        "returns_early", "two_devices", "loses_its_device", "last_words",
    )  # fmt: skip
    oracle = False

    def __init__(self) -> None:
        self.reference = load_backend("reference")

    def open(self, mode: str, threads: int) -> None:
        self.mode = mode
        if mode == "missing":
            import a_framework_that_nobody_has  # noqa: F401
        if mode == "last_words":
            self.held = Everlasting()
            atexit.register(print, "what was to be done at exit")
            atexit.register(ctypes.CDLL(None).printf, b"what C holds back\n")
        self.reference.open(mode, threads)

    def versions(self) -> dict[str, str]:
        return {"trouble": "1.0"}

    def devices(self) -> list[Device]:
        gpu = Device("cuda", 0, "a card")
        if self.mode == "gpu_only" or (self.mode == "loses_its_device" and TRAINED.exists()):
            return [gpu]
        return [Device("cpu"), gpu] if self.mode == "two_devices" else [Device("cpu")]

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        if self.mode == "unsupported":
            raise Unsupported("elman")
        return TroubledTrainer(self.reference.build(experiment, device), self.mode)


backend = Trouble()
