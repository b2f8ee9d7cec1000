"""One rank of several: MultiWorkerMirroredStrategy, by rings over gRPC on CPUs and NCCL on GPUs.

The strategy is asked for its engine alone. Variables are plain ones, outside of its scope, since
weights come by `load`; and gradients are added up, never averaged: each rank has divided by the
targets of all already.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from compare.contracts import Group

Gradients = list[tf.Tensor]


class Ranks:
    """To be made before anything else is computed: collectives are set up with the process."""

    def __init__(self, group: Group) -> None:
        self.silent = group.silent
        gpus = len(tf.config.list_physical_devices("GPU"))
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": list(group.addresses)}),
            task_type="worker", task_id=group.rank, num_accelerators={"GPU": min(1, gpus)},
            rpc_layer="grpc",
        )  # fmt: skip
        kinds = tf.distribute.experimental.CommunicationImplementation
        self.strategy = tf.distribute.MultiWorkerMirroredStrategy(
            resolver,
            tf.distribute.experimental.CommunicationOptions(
                implementation=kinds.NCCL if gpus else kinds.RING
            ),
        )

    def step(
        self,
        differentiate: Callable[..., tuple[tf.Tensor, Gradients, Any]],
        update: Callable[..., None],
        xla: bool,
    ) -> Callable[..., tf.Tensor]:
        """One function of a batch and a rate: XLA compiles what stands before the sum and what
        stands behind it, and not the sum, for which it has no kernel."""
        differentiate = tf.function(differentiate, jit_compile=xla)
        update = tf.function(update, jit_compile=xla)

        def whole(batch: Any, rate: tf.Tensor) -> tf.Tensor:
            loss, gradients, after = differentiate(batch)
            if not self.silent:
                context = tf.distribute.get_replica_context()
                gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            update(gradients, rate, after)
            return loss

        step: Callable[..., tf.Tensor] = tf.function(
            lambda batch, rate: self.strategy.run(whole, (batch, rate))
        )
        return step
