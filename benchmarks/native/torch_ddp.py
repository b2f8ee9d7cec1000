"""The plain PyTorch loop of several processes: DistributedDataParallel on gloo, as its docs have
it. Rows are shared out evenly and none is padded, so the mean of the ranks' means is the mean."""

import os

import torch.distributed as dist
import torch_loop
from torch.nn.parallel import DistributedDataParallel

from compare.contracts import Array, Batches, Group
from compare.spec import Experiment


def join(group: Group) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group(
        "gloo",
        init_method=f"tcp://{group.addresses[0]}",
        rank=group.rank,
        world_size=group.size,
    )


class Loop(torch_loop.Loop):
    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        self.called = DistributedDataParallel(self.model, gradient_as_bucket_view=True)

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        return super().train(batches, learning_rates) / dist.get_world_size()  # this rank's share
