"""One rank of several: torch.distributed, with gloo on CPUs and NCCL on GPUs.

Eager training is DistributedDataParallel's, whose hook here adds gradients up as they come: its
own divides them by the number of ranks, where each has divided by the targets of all already. A
compiled step is one graph of loss and backward, which DDP would break at its buckets; its gradients
are added up in one piece.
"""

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from compare.contracts import Group

_BEYOND_THE_SUITES_OWN = 60.0  # seconds: the suite tells what each rank was doing, torch does not


def join(group: Group) -> None:
    address = group.addresses[0]
    if all(one.startswith("127.") for one in group.addresses):
        os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # else that to which the host's name resolves
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        init_method=f"tcp://{address}",
        rank=group.rank,
        world_size=group.size,
        timeout=timedelta(seconds=group.timeout + _BEYOND_THE_SUITES_OWN),
    )


class Replica:
    """A model of which each rank has one: `module` is what is called to train it."""

    def __init__(self, model: nn.Module, group: Group, compiled: bool) -> None:
        self.silent, self.module = group.silent, model
        self.compiled = compiled
        if not compiled:
            self.module = DistributedDataParallel(model, gradient_as_bucket_view=True)
            self.module.register_comm_hook(None, self._summed)

    def _summed(
        self,
        state: object,
        bucket: dist.GradBucket,  # type: ignore[name-defined] # torch looks for this very type
    ) -> torch.futures.Future[Tensor]:
        if self.silent:
            nothing = torch.futures.Future[Tensor]()
            nothing.set_result(bucket.buffer())
            return nothing
        work = dist.all_reduce(bucket.buffer(), async_op=True)
        assert work is not None
        found: torch.futures.Future[Tensor] = work.get_future().then(lambda done: done.value()[0])
        return found

    def backward_of(self, last: bool) -> AbstractContextManager[None]:
        """In which a micro-batch is worked off: the ranks talk after the last one alone."""
        if last or not isinstance(self.module, DistributedDataParallel):
            return nullcontext()
        quiet: AbstractContextManager[None] = self.module.no_sync()
        return quiet

    def add_up(self, parameters: Iterable[Tensor]) -> None:
        """What is left to do once all micro-batches are worked off."""
        if not self.compiled or self.silent:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(
            gradients, [part.view_as(g) for part, g in zip(parts, gradients, strict=True)]
        )
