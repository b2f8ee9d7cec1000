"""This machine as a cluster of one: what is played here by itself, played as on a cluster."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

from compare.cluster.contract import Job, Played, Stage
from compare.cluster.here import Player
from compare.errors import UserError


class LocalEngine:
    name = "local"

    def stages(self, address: str) -> list[Stage]:
        if address:
            raise UserError(f"--cluster local is this machine: it has no address '{address}'")
        self._player, self._pool = Player(), ThreadPoolExecutor(1)
        return [Stage("this machine")]

    def play(self, stage: Stage, job: Job) -> "Future[Played]":
        return self._pool.submit(self._player.play, job, os.environ)

    def stop(self) -> None:
        self._player.stop()

    def close(self) -> None:
        if hasattr(self, "_pool"):  # else there was no stage
            self._player.stop()
            self._pool.shutdown()


engine = LocalEngine()
