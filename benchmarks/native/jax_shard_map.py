"""The plain JAX loop of several processes: jax.distributed, and one jitted shard_map over a device
of each. Rows are shared out evenly and none is padded, so the mean of the ranks' means is the
mean."""

from collections.abc import Callable
from typing import Any

import jax
import jax_loop
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from compare.contracts import Array, Batches, Group, Weights
from compare.spec import Experiment

WHOLE, ROWS = P(), P("ranks")


def join(group: Group) -> None:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_num_cpu_devices", 1)
    jax.distributed.initialize(
        group.addresses[0], group.size, group.rank, local_device_ids=[group.rank],
        cluster_detection_method="deactivate",
    )  # fmt: skip


class Loop(jax_loop.Loop):
    def __init__(self, experiment: Experiment) -> None:
        self.mesh = Mesh(np.array(jax.devices("cpu")), ("ranks",))
        super().__init__(experiment)

    def averaged(self, gradients: Any) -> Any:
        flat, apart = ravel_pytree(gradients)  # one collective, not one for each parameter
        return apart(jax.lax.pmean(flat, "ranks"))

    def compiled(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def on_rows(*arguments: Any) -> Any:
            *after, loss = step(*arguments)
            return *after, loss[None]

        whole = jax.shard_map(
            on_rows,
            mesh=self.mesh,
            in_specs=(WHOLE, WHOLE, ROWS, ROWS, ROWS, WHOLE),
            out_specs=(WHOLE, WHOLE, ROWS, ROWS),
            check_vma=False,
        )
        return jax.jit(whole, donate_argnums=(0, 1, 2))

    def load(self, weights: Weights) -> None:
        super().load(weights)
        self.params, self.moments = self._shared((self.params, self.moments), WHOLE)
        self.state = self._shared(self.state, ROWS)

    def weights(self) -> Weights:
        return {name: np.array(value.addressable_data(0)) for name, value in self.params.items()}

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        losses = []
        rates = learning_rates.astype(np.float32)
        for fields in zip(batches["inputs"], batches["targets"], rates, strict=True):
            x, y = (self._shared(field, ROWS) for field in fields[:2])
            self.params, self.moments, self.state, loss = self.step(
                self.params, self.moments, self.state, x, y, self._shared(fields[2], WHOLE)
            )
            losses.append(loss)
        jax.block_until_ready((self.params, losses))
        own = [np.array(loss.addressable_data(0))[0] for loss in losses]
        return np.array(own) / self.mesh.size  # this rank's share

    def logits(self, batch: Any) -> Array:
        held = self.params
        self.params = {name: value.addressable_data(0) for name, value in held.items()}
        try:
            return super().logits(batch)
        finally:
            self.params = held

    def _shared(self, tree: Any, spec: P) -> Any:
        sharding = NamedSharding(self.mesh, spec)
        return jax.tree.map(
            lambda value: jax.make_array_from_process_local_data(sharding, np.asarray(value)), tree
        )
