"""One rank of several with Keras on PyTorch: torch.distributed, gradients added up in one piece.

Keras has no distribution of its own here, and DistributedDataParallel wraps a module, which a Keras
step does not call.
"""

import os
from datetime import timedelta

import torch
import torch.distributed as dist

from compare.contracts import Group

from .steps import Gradients

_BEYOND_THE_SUITES_OWN = 60.0  # seconds: the suite tells what each rank was doing, torch does not


class Ranks:
    def __init__(self, group: Group) -> None:
        self.silent = group.silent
        if all(one.startswith("127.") for one in group.addresses):
            os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # else that to which the host's name resolves
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
            init_method=f"tcp://{group.addresses[0]}",
            rank=group.rank,
            world_size=group.size,
            timeout=timedelta(seconds=group.timeout + _BEYOND_THE_SUITES_OWN),
        )

    def sum(self, gradients: Gradients) -> Gradients:
        """Added up over the ranks."""
        if self.silent:
            return gradients
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        return [part.view_as(g) for part, g in zip(parts, gradients, strict=True)]
