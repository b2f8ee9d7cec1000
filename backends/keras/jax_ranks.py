"""One rank of several with Keras on JAX: jax.distributed, and a step that is one shard_map.

Arrays of a step are global: variables whole on every rank, batches and carried states cut by rows.
What only one rank is asked for is computed on its own copies.
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
_STATE = (_WHOLE, _WHOLE, _WHOLE, _ROWS)  # weights, optimizer, seed, carried states


class Ranks:
    """To be made before anything touches a device: it is then that JAX looks who is there."""

    def __init__(self, group: Group) -> None:
        self.silent = group.silent
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

    def use(self, platform: str) -> jax.Device:
        """Train over a device of this platform on each rank; this rank's."""
        self.mesh = Mesh(np.array(jax.devices(platform)), (AXIS,))
        return jax.local_devices(backend=platform)[0]

    def sum(self, gradients: Any) -> Any:
        """Added up over the ranks, within a step: in one piece, since the ranks wait for each other
        at every collective."""
        if self.silent:
            return gradients
        flat, apart = ravel_pytree(gradients)
        return apart(jax.lax.psum(flat, AXIS))

    def step(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step of the rows that this rank has: of (state, batch, rate) to the state anew and the
        share of the loss that each rank has, (ranks,)."""

        def on_rows(state: Any, batch: Any, rate: Any) -> Any:
            state, loss = step(state, batch, rate)
            return state, loss[None]

        def mapped(state: Any, batch: Any, rate: Any) -> Any:
            fields = {name: _WHOLE if field.ndim == 0 else _ROWS for name, field in batch.items()}
            # Without check_vma the psum is what it says: with it autodiff has summed already.
            whole = jax.shard_map(
                on_rows,
                mesh=self.mesh,
                in_specs=(_STATE, fields, _WHOLE),
                out_specs=(_STATE, _ROWS),
                check_vma=False,
            )
            return whole(state, batch, rate)

        return mapped

    def state(self, state: Any) -> Any:
        """A step's state as global arrays."""
        return tuple(
            jax.tree.map(lambda value, spec=spec: self._global(value, spec), part)
            for part, spec in zip(state, _STATE, strict=True)
        )

    def batch(self, batch: Batch) -> dict[str, jax.Array]:
        return {
            name: self._global(field, _ROWS if np.ndim(field) else _WHOLE)
            for name, field in batch.items()
        }

    def _global(self, value: Any, spec: P) -> jax.Array:
        found: jax.Array = jax.make_array_from_process_local_data(
            NamedSharding(self.mesh, spec), np.asarray(value)
        )
        return found


def own(tree: Any) -> Any:
    """What this rank has of global arrays, on its own device."""
    return jax.tree.map(lambda value: value.addressable_data(0), tree)
