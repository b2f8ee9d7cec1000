"""One rank of several: jax.distributed, and a step that is one shard_map over a device of each.

Arrays of a step are global: weights and moments whole on every rank, batches and carried states cut
by rows. What only one rank is asked for is computed on its own copies.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from compare.contracts import Batch, Group

AXIS = "ranks"
_BEYOND_THE_SUITES_OWN = 60  # seconds: the suite tells what each rank was doing, JAX does not
_WHOLE, _ROWS = P(), P(AXIS)


def join(group: Group) -> None:
    """Before anything touches a device: it is then that JAX looks who is there."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_num_cpu_devices", 1)
    patience = int(group.timeout) + _BEYOND_THE_SUITES_OWN
    jax.distributed.initialize(
        coordinator_address=group.addresses[0],
        num_processes=group.size,
        process_id=group.rank,
        local_device_ids=[group.rank],
        cluster_detection_method="deactivate",
        initialization_timeout=patience,
        heartbeat_timeout_seconds=patience,
        shutdown_timeout_seconds=10,
    )


class Ranks:
    """The ranks of this process's group, by a device of the platform on each."""

    def __init__(self, group: Group, platform: str) -> None:
        self.silent = group.silent
        self.mesh = Mesh(np.array(jax.devices(platform)), (AXIS,))

    def sum(self, gradients: Any) -> Any:
        """Added up over the ranks, within a step: in one piece, since the ranks wait for each other
        at every collective."""
        if self.silent:
            return gradients
        flat, apart = ravel_pytree(gradients)
        return apart(jax.lax.psum(flat, AXIS))

    def step(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A trainer's step, of the rows that this rank has: of (params, moments, states, key,
        batch, rate) to the same anew and to the share of the loss that each rank has, (ranks,)."""

        def on_rows(*arguments: Any) -> Any:
            *after, loss = step(*arguments)
            return *after, loss[None]

        carried = (_WHOLE, _WHOLE, _ROWS, _WHOLE)

        def mapped(params: Any, moments: Any, states: Any, key: Any, batch: Any, rate: Any) -> Any:
            fields = {name: _WHOLE if field.ndim == 0 else _ROWS for name, field in batch.items()}
            # Without check_vma the psum is what it says: with it autodiff has summed already.
            whole = jax.shard_map(
                on_rows,
                mesh=self.mesh,
                in_specs=(*carried, fields, _WHOLE),
                out_specs=(*carried, _ROWS),
                check_vma=False,
            )
            return whole(params, moments, states, key, batch, rate)

        return mapped

    def whole(self, tree: Any) -> Any:
        """Arrays that every rank has alike, as global ones."""
        return jax.tree.map(lambda value: self._global(value, _WHOLE), tree)

    def rows(self, tree: Any) -> Any:
        """Arrays of this rank's rows, as global ones of all."""
        return jax.tree.map(lambda value: self._global(value, _ROWS), tree)

    def batch(self, batch: Batch) -> dict[str, jax.Array]:
        return {n: self.whole(f) if np.ndim(f) == 0 else self.rows(f) for n, f in batch.items()}

    def _global(self, value: Any, spec: P) -> jax.Array:
        found: jax.Array = jax.make_array_from_process_local_data(
            NamedSharding(self.mesh, spec), np.asarray(value)
        )
        return found


def own(tree: Any) -> Any:
    """What this rank has of global arrays, on its own device."""
    return jax.tree.map(lambda value: value.addressable_data(0), tree)
