"""Ranks on two hosts, for which two network namespaces with a link between them stand: nothing
assumes that ranks share a loopback interface."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import needs

from compare.findings.parity import relative_difference
from compare.meters.wire import gradient_bytes, sent_bytes
from compare.planning.plan import make_plan
from compare.ranks.addresses import Place
from compare.ranks.processes import RankProcesses
from compare.records.values import Request
from compare.spec.inputs import read_experiment, write_inputs
from compare.worker.process import WorkerProcess

TRAIN = {"first": 0, "last": 4, "untimed": 0}
_KILOBITS = 20_000  # of a slow link, a second

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ranks")]


class Host(NamedTuple):
    """A network namespace with a name of its own, which its hosts file gives its address."""

    name: str
    address: str

    @property
    def place(self) -> Place:
        named = f'hostname {self.name} && exec "$@"'
        enter = ("ip", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", named, "sh")
        return Place(self.address, enter)

    def run(self, *command: str) -> str:
        return _run("ip", "netns", "exec", self.name, *command)

    def sent(self) -> int:
        found = sent_bytes(self.run("cat", "/proc/net/dev"))
        assert found is not None
        return found


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    if sys.platform != "linux" or os.geteuid() or not all(map(shutil.which, ("ip", "tc"))):
        pytest.skip("network namespaces need Linux, root, ip and tc")
    two = [Host(f"compare{os.getpid()}{i}", f"10.77.{i}.1") for i in (0, 1)]
    try:
        _link(two)
        yield two
    finally:
        for host in two:
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True, check=False)
            shutil.rmtree(Path("/etc/netns", host.name), ignore_errors=True)


def _link(two: list[Host]) -> None:
    """Make both, and a link between them; skips where the system does not let us."""
    try:
        for host in two:
            _run("ip", "netns", "add", host.name)
        ends = [f"c{os.getpid()}{i}" for i in (0, 1)]
        _run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for host, end, other in zip(two, ends, two[::-1], strict=True):
            _run("ip", "link", "set", end, "netns", host.name)
            host.run("ip", "link", "set", end, "name", "link0")
            host.run("ip", "addr", "add", f"{host.address}/32", "dev", "link0")
            host.run("ip", "link", "set", "lo", "up")
            host.run("ip", "link", "set", "link0", "up")
            host.run("ip", "route", "add", other.address, "dev", "link0")
            folder = Path("/etc/netns", host.name)  # what `ip netns exec` mounts over /etc
            folder.mkdir(parents=True)
            names = "".join(f"{one.address} {one.name}\n" for one in two)
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n{names}")
        two[0].run("unshare", "--uts", "true")
    except (subprocess.CalledProcessError, OSError) as error:
        why = getattr(error, "stderr", "") or str(error)
        pytest.skip(f"no network namespaces with a link between them here: {why.strip()}")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    request = Request(
        task="translation", preset="tiny", overrides=[{"train": {"steps": 4}}],
        backends=["reference"], pythons={},
    )  # fmt: skip
    plan = make_plan(request, [])
    write_inputs(tmp_path / "inputs", plan.experiment, plan.weights, plan.prepared.arrays)
    return tmp_path / "inputs"


def trained(player: WorkerProcess | RankProcesses, mode: str) -> tuple[list[float], float]:
    """The losses of four steps, and the seconds that the second time took."""
    player.hello()
    player.ask("open", 120, mode=mode, threads=1)
    player.ask("build", 120, device={"kind": "cpu"}, perturb=False)
    losses = player.ask("train", 300, **TRAIN)["losses"]
    began = time.monotonic()
    player.ask("train", 300, **TRAIN)
    return losses, time.monotonic() - began


@needs("torch", "jax", "flax", "optax", "tensorflow")
@pytest.mark.parametrize(
    ("backend", "mode"),
    [("reference", "numpy"), ("torch", "eager"), ("tensorflow", "xla"), ("jax", "jit")],
)
def test_ranks_on_two_hosts_have_the_losses_of_one_process(
    hosts: list[Host], inputs: Path, tmp_path: Path, backend: str, mode: str
) -> None:
    alone = WorkerProcess(backend, None, inputs, tmp_path / "alone")
    try:
        expected, _ = trained(alone, mode)
    finally:
        alone.stop()
    before = [host.sent() for host in hosts]
    places = [host.place for host in hosts]
    both = RankProcesses(2, 300.0, backend, None, inputs, tmp_path / "log", places=places)
    try:
        losses, _ = trained(both, mode)
    finally:
        both.stop()
    np.testing.assert_array_less(relative_difference(losses, expected), 1e-5)
    sent = [host.sent() - one for host, one in zip(hosts, before, strict=True)]
    least = 8 * gradient_bytes(read_experiment(inputs))  # each its gradients, eight times
    if backend == "reference":  # the suite's own sum, by Unix sockets, which cross no link
        assert max(sent) < least
    else:
        assert min(sent) > least, sent


@needs("torch")
def test_a_slow_link_shows_where_ranks_talk(
    hosts: list[Host], inputs: Path, tmp_path: Path
) -> None:
    """Four steps cannot take less than their gradients take over the link; silent ranks can."""
    for host in hosts:
        slow = ("tbf", "rate", f"{_KILOBITS}kbit", "burst", "16kb", "latency", "400ms")
        host.run("tc", "qdisc", "add", "dev", "link0", "root", *slow)
    least = 4 * gradient_bytes(read_experiment(inputs)) * 8 / (_KILOBITS * 1000)
    seconds = {}
    for silent in (False, True):
        places = [host.place for host in hosts]
        log = tmp_path / f"log{silent}"
        both = RankProcesses(2, 300.0, "torch", None, inputs, log, silent, places=places)
        before = hosts[0].sent()
        try:
            _, seconds[silent] = trained(both, "eager")
        finally:
            both.stop()
        if silent:
            # DDP hands the weights round as it is made, and then nothing more.
            assert hosts[0].sent() - before < 2 * gradient_bytes(read_experiment(inputs))
    assert seconds[False] > 0.9 * least, (seconds, least)
