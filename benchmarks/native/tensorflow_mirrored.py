"""The plain TensorFlow loop of several processes: MultiWorkerMirroredStrategy with rings, as its
docs have it for a training loop of one's own. Rows are shared out evenly and none is padded, so the
mean of the ranks' means is the mean."""

import tensorflow as tf
import tensorflow_loop

from compare.contracts import Array, Batches, Group
from compare.spec import Experiment

STRATEGY: list[tf.distribute.MultiWorkerMirroredStrategy] = []


def join(group: Group) -> None:
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(group.addresses)}),
        task_type="worker", task_id=group.rank, num_accelerators={"GPU": 0}, rpc_layer="grpc",
    )  # fmt: skip
    rings = tf.distribute.experimental.CommunicationImplementation.RING
    options = tf.distribute.experimental.CommunicationOptions(implementation=rings)
    STRATEGY.append(tf.distribute.MultiWorkerMirroredStrategy(resolver, options))


class Loop(tensorflow_loop.Loop):
    def __init__(self, experiment: Experiment) -> None:
        super().__init__(experiment)
        (strategy,) = STRATEGY
        # XLA has no kernel for the sum: what is before it is compiled, and what is behind it.
        differentiate = tf.function(self._differentiate, jit_compile=self.compiled)
        apply = tf.function(self._apply, jit_compile=self.compiled)

        def whole(x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
            loss, gradients, after = differentiate(x, y)
            mean = tf.distribute.get_replica_context().all_reduce("MEAN", gradients)
            apply(mean, rate, after)
            return loss

        self.step = tf.function(lambda *fields: strategy.run(whole, fields))
        self.size = strategy.num_replicas_in_sync

    def train(self, batches: Batches, learning_rates: Array) -> Array:
        share: Array = super().train(batches, learning_rates) / self.size  # of this rank
        return share
