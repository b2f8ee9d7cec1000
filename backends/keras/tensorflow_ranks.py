"""One rank of several with Keras on TensorFlow: MultiWorkerMirroredStrategy's engine.

Variables are plain ones, outside of its scope, and Keras's optimizer is applied outside of `run`:
within, it would take mirrored variables. Gradients are added up and not averaged.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from compare.contracts import Group

from .steps import Gradients


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
    ) -> Callable[..., Any]:
        """One function of (batch, states, rate), whose two parts XLA compiles; it has no kernel for
        the sum between them."""
        differentiate = tf.function(differentiate, jit_compile=xla)
        update = tf.function(update, jit_compile=xla)

        def added_up(batch: Any, states: Any) -> tuple[tf.Tensor, Gradients, Any]:
            loss, gradients, after = differentiate(batch, states)
            if not self.silent:
                context = tf.distribute.get_replica_context()
                gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
            return loss, gradients, after

        def step(batch: Any, states: Any, rate: tf.Tensor) -> tuple[tf.Tensor, Any]:
            loss, gradients, after = self.strategy.run(added_up, (batch, states))
            update(gradients, rate)
            return loss, after

        found: Callable[..., Any] = tf.function(step)
        return found
