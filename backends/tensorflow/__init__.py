"""TensorFlow: its own ops and variables in a tf.function, no Keras.

Importing this module does not import tensorflow; `open` does.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakSet

from compare.contracts import Array, Device, Group, Trainer
from compare.spec import Experiment

if TYPE_CHECKING:
    from .ranks import Ranks
    from .trainer import TensorFlowTrainer


class TensorFlowBackend:
    """`xla` compiles the whole step; `graph` runs TensorFlow's own kernels."""

    name = "tensorflow"
    modes = ("xla", "graph")
    oracle = False
    ranks: "Ranks | None" = None

    def open(self, mode: str, threads: int) -> None:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
        os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
        os.environ["NPROC"] = str(threads)  # XLA's own pool
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)  # leave the others their memory
        self._xla = mode == "xla"
        self._trainers: WeakSet[TensorFlowTrainer] = WeakSet()

    def join(self, group: Group) -> None:
        from .ranks import Ranks

        self.ranks = Ranks(group)

    def versions(self) -> dict[str, str]:
        import tensorflow as tf

        return {"tensorflow": tf.__version__}

    def details(self) -> dict[str, str]:
        import tensorflow as tf

        threading = tf.config.threading
        return {
            "compiled": str(sum(one.times_traced() for one in self._trainers)),
            "build": str(dict(tf.sysconfig.get_build_info())),
            "compile flags": " ".join(f for f in tf.sysconfig.get_compile_flags() if f[:2] != "-I"),
            "intra-op threads": str(threading.get_intra_op_parallelism_threads()),
            "inter-op threads": str(threading.get_inter_op_parallelism_threads()),
        }

    def devices(self) -> list[Device]:
        import tensorflow as tf

        found = [Device("cpu")]
        for index, gpu in enumerate(tf.config.list_physical_devices("GPU")):
            details = tf.config.experimental.get_device_details(gpu)
            found.append(Device("cuda", index, details.get("device_name", "")))
        return found

    def product(self, device: Device, left: Array, right: Array) -> Callable[[], object]:
        import tensorflow as tf

        with tf.device("GPU" if device.kind == "cuda" else "CPU"):
            a, b = tf.constant(left), tf.constant(right)
        multiply = tf.function(tf.matmul, jit_compile=self._xla)

        # A sum is fetched: on a device, eager calls return before they are done.
        return lambda: float(multiply(a, b)[0, 0])

    def build(self, experiment: Experiment, device: Device) -> Trainer:
        from .trainer import TensorFlowTrainer

        trainer = TensorFlowTrainer(experiment, device, self._xla, self.ranks)
        self._trainers.add(trainer)
        return trainer


backend = TensorFlowBackend()
