"""Ray: a stage is an actor on a node that holds all of its CPUs and GPUs.

Nothing of Ray's own plays anything: an actor starts `compare point` as a process of its own, in the
environment in which the node was started, and Ray repeats nothing by itself, which nobody would be
told of.
"""

import io
import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import psutil

from compare.cluster.contract import Job, Played, Stage, StageLost
from compare.cluster.here import Player
from compare.errors import UserError
from compare.extras import needed
from compare.version import VERSION

_SECONDS_TO_HOLD = 60.0  # a node: what else runs there may just be ending
_SECONDS_TO_ANSWER = 10.0
_OWN = ("RAY_", "__RAY_")


class _OnNode:
    """The actor: two threads of it, so that what is played can be stopped."""

    def __init__(self) -> None:
        self._player = Player()

    def version(self) -> str:
        return VERSION

    def play(self, job: Job) -> Played:
        return self._player.play(job, _environment_of_the_node())

    def stop(self) -> None:
        self._player.stop()


def _environment_of_the_node() -> Mapping[str, str]:
    """As whoever started the node had it. Ray sets OMP_NUM_THREADS, CUDA_VISIBLE_DEVICES and others
    in its workers, whose parent is the raylet, and gives the raylet an allocator of its own."""
    import ray

    found = psutil.Process(os.getppid()).environ()
    if found.get("LD_PRELOAD", "").startswith(str(Path(ray.__file__).parent)):
        del found["LD_PRELOAD"]
    return {name: value for name, value in found.items() if not name.startswith(_OWN)}


class RayEngine:
    name = "ray"

    def __init__(self) -> None:
        self._ray: Any = None
        self._actors: dict[str, Any] = {}
        self._silence = ExitStack()

    def stages(self, address: str) -> list[Stage]:
        self._ray = needed("ray", "ray")
        # Ray prints what becomes of nodes, whatever `log_to_driver` says: it is told by us.
        self._silence.enter_context(redirect_stdout(io.StringIO()))
        self._connect(address)
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        found = {name: node for name, node in _named(nodes) if node["Resources"].get("CPU")}
        if not found:
            raise UserError("--cluster ray: no node of this cluster has a CPU")
        for name, node in found.items():
            self._actors[name] = self._actor_on(node)
        asked = {actor.version.remote(): name for name, actor in self._actors.items()}
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=_SECONDS_TO_HOLD)
        problems = {
            name: self._problem_of(ref) if ref in ready else "something else holds it"
            for ref, name in asked.items()
        }
        return [Stage(name, problems[name]) for name in found]

    def play(self, stage: Stage, job: Job) -> "Future[Played]":
        played: Future[Played] = Future()
        self._actors[stage.name].play.remote(job).future().add_done_callback(
            lambda answer: self._pass_on(answer, played)
        )
        return played

    def stop(self) -> None:
        for actor in self._actors.values():
            actor.stop.remote()

    def close(self) -> None:
        if self._ray is not None:
            for actor in self._actors.values():
                self._ray.kill(actor)
            self._actors = {}
            self._ray.shutdown()
        self._silence.close()

    def _connect(self, address: str) -> None:
        if address.startswith("ray://"):
            raise UserError(
                f"--cluster ray={address}: start this on a machine of the cluster, and give the"
                " address that its nodes have, such as ray=auto"
            )
        try:
            _require_answer(address)
            with _own_signals():
                self._ray.init(
                    address or None, include_dashboard=False, log_to_driver=False,
                    logging_level="error",
                )  # fmt: skip
        except (OSError, RuntimeError, ValueError) as error:
            why = _said(error)
            raise UserError(f"--cluster ray={address or 'auto'}: no such cluster: {why}") from None

    def _actor_on(self, node: Mapping[str, Any]) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return (
            self._ray.remote(_OnNode)
            .options(
                num_cpus=node["Resources"]["CPU"],
                num_gpus=node["Resources"].get("GPU", 0),
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=2,
            )
            .remote()
        )

    def _problem_of(self, answer: Any) -> str:
        try:
            version = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            return _said(error)
        if version != VERSION:
            return f"version {version} of the suite is there, and this is {VERSION}"
        return ""

    def _pass_on(self, answer: "Future[Played]", played: "Future[Played]") -> None:
        try:
            played.set_result(answer.result())
        except self._ray.exceptions.RayTaskError as error:  # raised there: a disk that is full
            played.set_exception(error.cause or error)
        except BaseException as error:  # a future that nobody completes would be waited for
            played.set_exception(StageLost(_said(error)))


def _said(error: BaseException) -> str:
    """Its first line, or what kind it is."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _require_answer(address: str) -> None:
    """Raise OSError where nobody listens, which Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_SECONDS_TO_ANSWER).close()


def _named(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each node by its host's name, and where two have the same by the start of its id as well."""
    counts = Counter(node["NodeManagerHostname"] for node in nodes)
    for node in nodes:
        name = node["NodeManagerHostname"]
        yield (name if counts[name] == 1 else f"{name} ({node['NodeID'][:6]})"), node


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray takes SIGTERM for itself, which ends what is played here as Ctrl-C does."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


engine = RayEngine()
