"""This machine as a cluster of one: what is played here by itself, played as on a cluster."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

from compare.cluster.contract import Job, Played, Stage
from compare.cluster.here import Player
from compare.errors import UserError
from compare.meters.threads import usable_cpus


class LocalEngine:
    name = "local"

    def __init__(self) -> None:
        self._player, self._pool = Player(), ThreadPoolExecutor(1)

    def stages(self, address: str) -> list[Stage]:
        if address:
            raise UserError(f"--cluster local is this machine: it has no address '{address}'")
        return [Stage("this machine", usable_cpus())]

    def play(self, stage: Stage, job: Job) -> "Future[Played]":
        return self._pool.submit(self._player.play, job, os.environ)

    def stop(self) -> None:
        self._player.stop()

    def close(self) -> None:
        self._player.stop()
        self._pool.shutdown()


engine = LocalEngine()
